import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Takes a data directory for this process; two runtimes on one directory would each restart the other's instances.
 * The lock is SQLite's on a file: the operating system lets go of it with the process, however that ends.
 * @returns what gives the directory back
 * @throws {Error} another process has it
 */
export const lockDirectory = async (directory: string): Promise<() => Promise<void>> => {
  await mkdir(directory, { recursive: true });
  const lock = new DatabaseSync(join(directory, 'runtime.lock'));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new Error(`A runtime is at work on ${directory}. Stop it, or set GRAPHFLEET_DATA to another directory.`, {
      cause,
    });
  }
  return async () => lock.close();
};
