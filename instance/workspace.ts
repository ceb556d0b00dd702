import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Terminal } from '../domain/failure.ts';
import type { ObjectStore } from '../domain/snapshot/object-store.ts';
import type { SnapshotFile } from '../domain/snapshot/snapshot.ts';

/** The instance's directory. What is built and its templates do not survive a start; what is cached does. */
export class Workspace {
  readonly cacheDirectory: string;
  readonly jobDirectory: string;
  readonly templateDirectory: string;
  readonly #buildDirectory: string;

  private constructor(directory: string) {
    this.#buildDirectory = join(directory, 'build');
    this.templateDirectory = join(directory, 'templates');
    this.cacheDirectory = join(directory, 'cache');
    this.jobDirectory = join(directory, 'jobs');
  }

  static async open(directory: string): Promise<Workspace> {
    const workspace = new Workspace(directory);
    const { cacheDirectory, jobDirectory, templateDirectory } = workspace;
    const scratch = [workspace.#buildDirectory, templateDirectory];
    for (const folder of scratch) await rm(folder, { recursive: true, force: true });
    for (const folder of [...scratch, cacheDirectory, jobDirectory]) await mkdir(folder, { recursive: true });
    return workspace;
  }

  /** A path that nothing else uses, for a file that is not whole yet. */
  scratchFile(): string {
    return join(this.#buildDirectory, randomUUID());
  }
}

/**
 * Fetches an object into a scratch file, and looks whether it is whole.
 * @param what it is, for people: they are not told keys
 * @throws {Terminal} `internal` when it is not there, or not what was kept under the key
 */
export const fetchChecked = async (
  objects: ObjectStore,
  { key, checksum }: { key: string; checksum: string | null },
  file: string,
  what: string,
): Promise<void> => {
  await objects.download(key, file).catch((cause: unknown) => {
    throw cause instanceof Terminal ? new Terminal('internal', `${what} is not there any more.`, { cause }) : cause;
  });
  if (checksum === null || (await measureFile(file)).checksum === checksum) return;
  throw new Terminal('internal', `${what} is not what was kept.`);
};

/** A fifth less time than by the stream's own 64 KiB. */
const HASHED_AT_ONCE_BYTES = 2 ** 18;

/** A file's size and SHA-256. */
export const measureFile = async (file: string): Promise<SnapshotFile> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: HASHED_AT_ONCE_BYTES }), hash);
  return { checksum: hash.digest('hex'), bytes: (await stat(file)).size };
};
