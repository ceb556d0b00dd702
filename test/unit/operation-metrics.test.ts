import { afterEach, beforeEach, expect, test } from 'vitest';
import { METRICS } from '../../contract/metrics.ts';
import type { OperationStatus } from '../../domain/operation/operation.ts';
import { countForcedCycle, countQuarantine, countUndoFailure } from '../../functions/pipeline/operation-metrics.ts';
import { acceptedEvent } from '../fixtures/operations.ts';

/** The lines that CloudWatch would read. */
let lines: string[];
const { write } = process.stdout;

beforeEach(() => {
  lines = [];
  process.stdout.write = (chunk: string | Uint8Array) => {
    lines.push(String(chunk));
    return true;
  };
});
afterEach(() => {
  process.stdout.write = write;
});

type Emitted = {
  _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
};

test('an undo that failed is counted under the name, namespace and dimensions that the alarm watches', () => {
  countUndoFailure(acceptedEvent({ status: 'compensation_failed', type: 'compensation_failed' }));
  const [line = '{}'] = lines;
  const emitted = JSON.parse(line) as Emitted & Record<string, unknown>;
  expect(emitted._aws.CloudWatchMetrics).toMatchObject([
    {
      Namespace: METRICS.namespace,
      Dimensions: [Object.keys(METRICS.dimensions)],
      Metrics: [{ Name: METRICS.names.compensationFailed }],
    },
  ]);
  expect(emitted).toMatchObject({ ...METRICS.dimensions, [METRICS.names.compensationFailed]: 1 });
});

test.each<OperationStatus>(['failed', 'cancelled', 'compensating', 'succeeded'])('%s is not counted', (status) => {
  countUndoFailure(acceptedEvent({ status }));
  expect(lines).toEqual([]);
});

test.each([
  ['a forced cycle', countForcedCycle, METRICS.names.cycleForced],
  ['a quarantine', countQuarantine, METRICS.names.instanceQuarantined],
] as const)('%s is counted under its name', (_, count, name) => {
  count();
  expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([{ [name]: 1 }]);
});
