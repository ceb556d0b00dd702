import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import { measuringListener } from '../../functions/telemetry/operation-metrics.ts';
import { acceptedEvent } from '../fixtures/operations.ts';

/** The lines that CloudWatch would read. */
let lines: Record<string, unknown>[];
const { write } = process.stdout;
beforeEach(() => {
  lines = [];
  process.stdout.write = (chunk: string | Uint8Array) =>
    lines.push(
      ...String(chunk)
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    ) > 0;
});
afterEach(() => {
  process.stdout.write = write;
});

const append = (own: Partial<OperationEvent>, again = false): Record<string, unknown> => {
  measuringListener.appended?.(acceptedEvent(own), { again });
  return Object.assign({}, ...lines) as Record<string, unknown>;
};

test.each([
  ['succeeded', 0],
  ['partial', 0],
  ['cancelled', 0],
  ['failed', 1],
  ['timed_out', 1],
  ['compensation_failed', 1],
] as const)('an operation that ended %s counts as failed: %d', (status, failed) => {
  const at = '2026-01-01T00:01:30.000Z';
  expect(append({ status, type: status, at })).toMatchObject({
    OperationFailed: failed,
    OperationEnded: 1,
    outcome: status,
    OperationDuration: 90,
    kind: 'graph.create',
  });
});

test('an operation that is not over, or whose end was told before, is not counted', () => {
  append({ status: 'running', type: 'progress' });
  append({ status: 'failed', type: 'failed' }, true);
  expect(lines).toEqual([]);
});

test('that an undo failed is told again, should nobody have heard of it', () => {
  expect(append({ status: 'compensation_failed', type: 'compensation_failed' }, true)).toMatchObject({
    CompensationFailed: 1,
  });
  expect(lines).toHaveLength(1);
});

test('a refresh that left its instance to its work is given up; one that was cancelled is not', () => {
  const refresh = { kind: 'instance.refresh', result: { waitedMs: 1_500 } } as const;
  expect(append({ ...refresh, status: 'cancelled', type: 'cancelled' })).not.toHaveProperty('RefreshGivenUp');
  expect(append({ ...refresh, status: 'partial', type: 'partial' })).toMatchObject({
    RefreshGivenUp: 1,
    DrainWait: 1.5,
  });
});
