import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { lockDirectory } from '../../../local/runtime-lock.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const MODULE = new URL('../../../local/runtime-lock.ts', import.meta.url).href;

test('a directory is one runtime’s at a time, and the next one’s when it is given back', async () => {
  const directory = await temporaryDirectory();
  const release = await lockDirectory(directory);
  await expect(lockDirectory(directory)).rejects.toThrow(/GRAPHFLEET_DATA/);
  await release();
  await (await lockDirectory(directory))();
});

test('a runtime that was killed leaves no lock behind', async () => {
  const directory = await temporaryDirectory();
  const script = `const { lockDirectory } = await import('${MODULE}'); await lockDirectory('${directory}');
    process.stdout.write('locked'); setInterval(() => {}, 1_000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  await once(holder.stdout, 'data');
  await expect(lockDirectory(directory)).rejects.toThrow();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await lockDirectory(directory))();
});
