import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startRuntimeProcess } from '../fixtures/runtime-process.ts';
import type { Target } from './client.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    target: Target;
  }
}

/**
 * What the end-to-end tests call: `GRAPHFLEET_URL` with the tokens of `GRAPHFLEET_TOKENS` (JSON), if they are set,
 * or else a runtime of their own on a fresh directory.
 */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const { GRAPHFLEET_URL, GRAPHFLEET_TOKENS } = process.env;
  if (GRAPHFLEET_URL !== undefined) {
    project.provide('target', {
      url: GRAPHFLEET_URL,
      tokens: JSON.parse(GRAPHFLEET_TOKENS ?? '{}') as Target['tokens'],
    });
    return async () => {};
  }
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-e2e-'));
  const runtime = await startRuntimeProcess(directory, { ...project.config.env });
  project.provide('target', { url: runtime.url, tokens: runtime.tokens, dataDirectory: directory });
  return async () => {
    await runtime.stop();
    await rm(directory, { recursive: true, force: true });
  };
};
