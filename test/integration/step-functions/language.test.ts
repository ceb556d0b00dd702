import { describe, expect, test } from 'vitest';
import { startHarness } from './harness.ts';
import { languageCases } from './language-cases.ts';

const causeOf = (cause: string | undefined, wanted: unknown): unknown =>
  typeof wanted === 'object' && cause !== undefined ? JSON.parse(cause) : cause;

describe.each(Object.entries(languageCases))('%s', (_part, cases) => {
  test.each(cases)('$name', async ({ machine, children = {}, input, functions = {}, expect: wanted }) => {
    await using harness = await startHarness({ script: functions });
    for (const [name, child] of Object.entries(children)) await harness.create(name, child);
    const startedAt = harness.clock.now();
    const executionArn = await harness.start(await harness.create('machine', machine), input);
    const execution = await harness.finish(executionArn);
    if ('output' in wanted) {
      expect(execution).toMatchObject({ status: 'SUCCEEDED' });
      expect(JSON.parse(execution.output ?? 'null')).toEqual(wanted.output);
    } else {
      expect(execution).toMatchObject({ status: wanted.status ?? 'FAILED' });
      expect(execution.error).toBe(wanted.error);
      if (wanted.cause !== undefined) {
        expect(causeOf(execution.cause, wanted.cause)).toEqual(
          typeof wanted.cause === 'object' ? expect.objectContaining(wanted.cause) : wanted.cause,
        );
      }
    }
    if (wanted.seconds !== undefined) expect((harness.clock.now() - startedAt) / 1000).toBe(wanted.seconds);
    if (wanted.history !== undefined) {
      const events = await harness.history(executionArn);
      expect(events.map(({ type }) => type)).toEqual(wanted.history);
    }
  });
});
