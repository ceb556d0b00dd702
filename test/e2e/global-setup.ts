import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startRuntimeProcess } from '../fixtures/runtime-process.ts';
import type { Target } from './target.ts';

/**
 * What the end-to-end tests call: `GRAPHFLEET_URL` with the tokens of `GRAPHFLEET_TOKENS` (JSON), if they are set,
 * or else a runtime for each worker, on a fresh directory.
 */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const { GRAPHFLEET_URL, GRAPHFLEET_TOKENS } = process.env;
  if (GRAPHFLEET_URL !== undefined) {
    const tokens = JSON.parse(GRAPHFLEET_TOKENS ?? '{}') as Target['tokens'];
    project.provide('targets', [{ url: GRAPHFLEET_URL, tokens }]);
    return async () => {};
  }
  const { env, maxWorkers } = project.config;
  const started = await Promise.all(Array.from({ length: maxWorkers }, () => start(env)));
  project.provide(
    'targets',
    started.map(({ target }) => target),
  );
  return async () => {
    await Promise.all(started.map(({ stop }) => stop()));
  };
};

const start = async (environment: NodeJS.ProcessEnv): Promise<{ target: Target; stop(): Promise<void> }> => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'graphfleet-e2e-'));
  const { url, tokens, stop } = await startRuntimeProcess(dataDirectory, environment);
  return {
    target: { url, tokens, dataDirectory },
    async stop() {
      await stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
};
