import { fstatSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';

const LARGEST_FILE = 10 * 1024 * 1024;

/** Opens the file that takes what a service's tasks print. One that has grown large starts again from nothing. */
export const openServiceOutput = (directory: string, service: string): number => {
  mkdirSync(directory, { recursive: true });
  const output = openSync(join(directory, `${service}.log`), 'a');
  if (fstatSync(output).size > LARGEST_FILE) ftruncateSync(output);
  return output;
};
