import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spawnChild } from '../../../local/ecs/spawn-child.ts';
import type { TaskEvent } from '../../../local/ecs/start-ecs.ts';
import { clientOf, create, register, startHarness } from './ecs-harness.ts';
import { startReporter } from './reporter.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('closing ends the tasks and keeps the services: the next start starts them again', async () => {
  const before = await startHarness();
  await register(before.client);
  await create(before.client);
  const first = await before.report();

  await before.close();
  await first.gone;
  const after = await startHarness('runs', before.directory);

  const { metadata, environment } = await after.report();
  expect(metadata).toMatchObject({ ServiceName: 'inst-1', Revision: '1' });
  // What the platform adds is that of this run: ports change, task definitions do not.
  expect(environment['REPORTER_PORT']).not.toBe(first.environment['REPORTER_PORT']);
});

test('a kill -9 of the runtime ends its tasks, even one that does not heed signals, and loses no service', async () => {
  const directory = await temporaryDirectory();
  const reporter = await startReporter();
  const runtime = fork(new URL('./fixtures/ecs-parent.ts', import.meta.url), [directory, String(reporter.port)]);
  const [{ url }] = (await once(runtime, 'message')) as [{ url: string }];
  await register(clientOf(url));
  await create(clientOf(url));
  const { gone, pid } = await reporter.next();

  runtime.kill('SIGKILL');
  await gone;
  const after = await startHarness('runs', directory);

  expect((await after.report()).pid).not.toBe(pid);
});

test('every start and stop is on record, in order', async () => {
  const { client, close, directory, report } = await startHarness();
  await register(client);
  await create(client);
  const { pid } = await report();

  await close();

  const lines = (await readFile(join(directory, 'tasks.jsonl'), 'utf8')).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as TaskEvent);
  expect(events.map(({ event }) => event)).toEqual(['started', 'stopping', 'stopped']);
  for (const event of events) expect(event).toMatchObject({ service: 'inst-1', pid, at: expect.any(String) });
  expect(events[2]).toMatchObject({ exitCode: 0, reason: 'The runtime is stopping' });
});

test('the preload does not keep a process alive that has nothing to do', async () => {
  const entry = fileURLToPath(new URL('./fixtures/idle.ts', import.meta.url));

  const child = spawnChild({ entry, environment: {}, output: process.stderr.fd });

  expect(await once(child, 'exit')).toEqual([0, null]);
});
