import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import type { Operation } from '../../../domain/operation/operation.ts';
import { operationAsOf } from '../../../domain/operation/operation-event.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { operationStatistics } from '../../../domain/operation/operation-statistics.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const BEGIN = Date.parse('2026-01-01T00:00:00.000Z');
const SPAN = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T01:00:00.000Z' };

let store: DynamoOperationStore;
let log: OperationLog;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  store = new DynamoOperationStore(started.table);
  log = new OperationLog(store);
});
afterAll(() => close());

const time = (milliseconds: number) => new Date(BEGIN + milliseconds).toISOString();

/** Lists an operation that was accepted so long after the begin, and has lasted so long. */
const listed = async (tenantId: string, acceptedMs: number, lastedMs: number, own: Partial<Operation> = {}) => {
  const at = { createdAt: time(acceptedMs), updatedAt: time(acceptedMs + lastedMs) };
  await store.moveProjection({ ...operationAsOf(acceptedEvent()), tenantId, status: 'succeeded', ...at, ...own });
};

test('the median, the 95th of a hundred and the longest are those of just the kind and status', async () => {
  for (let lasted = 1; lasted <= 100; lasted += 1) await listed('measured', lasted, lasted * 10);
  await listed('measured', 5, 999_999, { status: 'failed' });
  await listed('measured', 6, 0, { status: 'running' });
  await listed('measured', 7, 40, { kind: 'graph.delete' });
  await listed('another', 8, 999_999);
  const { complete, statistics } = await operationStatistics(log, 'measured', SPAN, 1_000);
  expect(complete).toBe(true);
  expect(statistics).toHaveLength(4);
  expect(statistics).toEqual(
    expect.arrayContaining([
      { kind: 'graph.create', status: 'succeeded', count: 100, durationMs: { p50: 500, p95: 950, max: 1_000 } },
      { kind: 'graph.create', status: 'failed', count: 1, durationMs: { p50: 999_999, p95: 999_999, max: 999_999 } },
      { kind: 'graph.create', status: 'running', count: 1, durationMs: null },
      { kind: 'graph.delete', status: 'succeeded', count: 1, durationMs: { p50: 40, p95: 40, max: 40 } },
    ]),
  );
});

test('the span has its first moment and not its last', async () => {
  for (const at of [-1, 0, 3_599_999, 3_600_000]) await listed('spanned', at, 1);
  expect(await operationStatistics(log, 'spanned', SPAN, 100)).toMatchObject({ statistics: [{ count: 2 }] });
});

test('no more operations than were agreed on are looked at, the newest, and the answer says so', async () => {
  for (let at = 0; at < 12; at += 1) await listed('many', at, at);
  const bounded = await operationStatistics(log, 'many', SPAN, 5);
  expect(bounded).toMatchObject({ complete: false, statistics: [{ count: 5, durationMs: { p50: 9, max: 11 } }] });
  expect(await operationStatistics(log, 'many', SPAN, 13)).toMatchObject({
    complete: true,
    statistics: [{ count: 12 }],
  });
});
