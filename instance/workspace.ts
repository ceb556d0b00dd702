import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { SnapshotFile } from '../domain/snapshot/snapshot.ts';

/** The instance's directory. What is built is scratch and does not survive a start; what is cached does. */
export class Workspace {
  readonly cacheDirectory: string;
  readonly jobDirectory: string;
  readonly #buildDirectory: string;

  private constructor(directory: string) {
    this.#buildDirectory = join(directory, 'build');
    this.cacheDirectory = join(directory, 'cache');
    this.jobDirectory = join(directory, 'jobs');
  }

  static async open(directory: string): Promise<Workspace> {
    const workspace = new Workspace(directory);
    await rm(workspace.#buildDirectory, { recursive: true, force: true });
    for (const folder of [workspace.#buildDirectory, workspace.cacheDirectory, workspace.jobDirectory]) {
      await mkdir(folder, { recursive: true });
    }
    return workspace;
  }

  /** Where an operation's database is put once it is whole. */
  builtFile(graphId: string, operationId: string): string {
    return join(this.#buildDirectory, `${graphId}.${operationId}.lbug`);
  }

  /** A path that nothing else uses. */
  scratchFile(): string {
    return join(this.#buildDirectory, `${randomUUID()}.partial`);
  }

  /** Removes what was built for a graph. */
  async dropBuilt(graphId: string): Promise<void> {
    const built = (await readdir(this.#buildDirectory)).filter((name) => name.startsWith(`${graphId}.`));
    await Promise.all(built.map((name) => rm(join(this.#buildDirectory, name), { force: true })));
  }
}

/** Moves a file that is whole to where readers look for it. */
export const settle = (scratch: string, file: string): Promise<void> => rename(scratch, file);

/** A file's size and SHA-256. */
export const measureFile = async (file: string): Promise<SnapshotFile> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { checksum: hash.digest('hex'), bytes: (await stat(file)).size };
};
