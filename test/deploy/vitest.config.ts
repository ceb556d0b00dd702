import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { filesHere } from './not-here.ts';

/** The deployed stacks are taken down by the last file. */
class TeardownLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) =>
      ['/test/e2e/', '/test/deploy/', '/teardown.test.ts'].findLastIndex((part) => moduleId.includes(part));
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

/** They need an emulator that nothing is deployed to, and start one each. */
const BARE = ['s3-object-store', 'step-functions-language', 'workflow-aliases'].map(
  (name) => `test/deploy/${name}.test.ts`,
);

/** The stacks on an emulator of AWS, and the end-to-end tests against them: `npm run test:deploy`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../', import.meta.url)),
    sequence: { sequencer: TeardownLast },
    fileParallelism: false,
    // Of the cases of the States language: most of them wait.
    maxConcurrency: 10,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: process.env['CI'] ? 1 : 0,
    projects: [
      { extends: true, test: { name: 'bare', include: BARE } },
      {
        extends: true,
        test: {
          name: 'deployed',
          include: ['test/deploy/*.test.ts', ...filesHere(process.env['TEST_DEPLOY'])],
          exclude: [
            ...BARE,
            // CI has no time to synthesize twice.
            ...(process.env['TEST_DEPLOY'] === 'core' ? ['test/deploy/upgrade.test.ts'] : []),
          ],
          globalSetup: ['test/deploy/global-setup.ts'],
          setupFiles: ['test/deploy/leave-out.ts'],
        },
      },
    ],
  },
});
