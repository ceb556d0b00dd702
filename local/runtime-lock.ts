import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Takes a data directory for this process; two runtimes on one directory would each restart the other's instances.
 * A process that was killed leaves its lock behind, which is then taken over.
 * @returns what gives the directory back
 * @throws {Error} a live process has it
 */
export const lockDirectory = async (directory: string): Promise<() => Promise<void>> => {
  const file = join(directory, 'runtime.lock');
  await mkdir(directory, { recursive: true });
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if (holder > 0 && holder !== process.pid && isAlive(holder)) {
        throw new Error(
          `Process ${holder} runs on ${directory} already. Stop it, or set GRAPHFLEET_DATA to another directory.`,
        );
      }
      await rm(file, { force: true });
    }
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
