import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type UnfinishedJob = { key: string; taskToken: string };

/**
 * The jobs in hand, as files. A process that starts on the directory of one that died can tell the workflows at once;
 * where the disk died too, their heartbeat timeout tells them.
 */
export class JobJournal {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async begin(key: string, taskToken: string): Promise<void> {
    await writeFile(join(this.#directory, key), taskToken);
  }

  async end(key: string): Promise<void> {
    await rm(join(this.#directory, key), { force: true });
  }

  /** What an earlier process left; to be read before this one takes its first job. */
  async unfinished(): Promise<UnfinishedJob[]> {
    const keys = await readdir(this.#directory);
    const jobs = keys.map(async (key) => ({ key, taskToken: await readFile(join(this.#directory, key), 'utf8') }));
    // A file that is empty was cut short before the job was taken.
    return (await Promise.all(jobs)).filter(({ taskToken }) => taskToken !== '');
  }
}
