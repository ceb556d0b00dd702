import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { listenOnLoopback } from '../../local/loopback.ts';
import { lockDirectory } from '../../local/runtime-lock.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** A directory to start the emulator in. */
const place = () => {
  const cwd = mkdtempSync(join(tmpdir(), 'graphfleet-emulator-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const start = (...words: string[]) => spawnSync(process.execPath, [MAIN, ...words], { cwd, encoding: 'utf8' });
  return { cwd, start };
};

test.each([0, 2])('nothing is started where something else listens on port %i after the first', async (offset) => {
  const other = await listenOnLoopback(createServer());
  onTestFinished(() => other.close());
  const { cwd, start } = place();
  const { status, stderr } = start('--port', String(Number(new URL(other.url).port) - offset));
  expect(stderr).toMatch(/^Port \d+ is taken: .*\n$/);
  expect(status).toBe(1);
  expect(readdirSync(cwd)).toEqual([]);
});

test('nothing is started where another is at work', async () => {
  const { cwd, start } = place();
  const release = await lockDirectory(join(cwd, '.graphfleet-emulator'));
  onTestFinished(release);
  const { status, stderr } = start();
  expect(stderr).toMatch(/^An emulator runs in this directory already: .*\n$/);
  expect(status).toBe(1);
});

test.each(['--port many', '--port 65534', '--colour red', 'core'])('is not started by %s', (words) => {
  const { status, stderr } = place().start(...words.split(' '));
  expect(stderr).toContain('Usage: npm run emulator');
  expect(status).toBe(2);
});
