import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { recordingOf } from './test/fixtures/recordings.ts';

/**
 * A machine of CI is shared, and a second try tells a slow minute from a defect. The reporter marks what needed it: each one
 * is a defect too, of the test or of the code.
 */
const RETRIES = process.env['CI'] ? 1 : 0;

// As the image of an instance has it: queries hold threads that files are read on too.
process.env['UV_THREADPOOL_SIZE'] = '8';

// What a test starts loads the same modules again, more than a hundred times: compiled once, that is a fifth less of a processor.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

/** What a project needs whose calls to AWS are recorded, for the project `iam` to judge. */
const RECORDING = 'test/fixtures/recordings.ts';
const recordedAs = (name: string) => ({ GRAPHFLEET_RECORD: recordingOf(name) });

/** Handlers and what records their calls are made once in a process, as Lambda makes them: each of these has one of its own. */
const ISOLATED = ['test/integration/steps/**/*.test.ts', 'test/integration/local/{authorize,recording}.test.ts'];

export default defineConfig({
  test: {
    // By default a core is kept free; here a test's processes wait for each other more than they work.
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      // A minute of one core: run by `npm run test:model`, and by CI.
      { test: { name: 'model', include: ['test/model/**/*.test.ts'], testTimeout: 120_000 } },
      // Every fault in every state of every workflow, some minutes of both cores: run by `npm run test:faults`, and by CI.
      {
        test: {
          name: 'faults',
          include: ['test/integration/workflows/**/*.test.ts'],
          globalSetup: [RECORDING],
          env: recordedAs('faults'),
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry: RETRIES,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: ['test/integration/workflows/**', ...ISOLATED],
          // A third of the time went into loading the same modules again for each file.
          isolate: false,
          retry: RETRIES,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'isolated',
          include: ISOLATED,
          retry: RETRIES,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          retry: RETRIES,
          include: ['test/e2e/*.test.ts'],
          globalSetup: [RECORDING, 'test/e2e/global-setup.ts'],
          env: recordedAs('e2e'),
          testTimeout: 90_000,
          hookTimeout: 60_000,
          // Each worker has a runtime of its own; what is deployed is one for all.
          fileParallelism: process.env['GRAPHFLEET_URL'] === undefined,
        },
      },
      // A runtime each, that is loaded, killed or refreshed as a whole: run by `npm run test:scenarios`, and by CI.
      {
        test: {
          name: 'scenarios',
          include: ['test/e2e/scenarios/*.test.ts'],
          globalSetup: [RECORDING],
          env: recordedAs('scenarios'),
          testTimeout: 90_000,
          hookTimeout: 120_000,
          retry: RETRIES,
        },
      },
      // What those before have recorded, against the policies: run by `npm run test:iam` after them, and by CI.
      {
        test: {
          name: 'iam',
          include: ['test/iam/**/*.test.ts'],
          globalSetup: ['test/iam/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          isolate: false,
          globalSetup: ['test/infra/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
