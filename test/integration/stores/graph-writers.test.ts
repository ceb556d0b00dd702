import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { GraphWriters } from '../../../domain/graph/graph-writers.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

let table: ControlTableClient;
let close: () => Promise<void>;
let graphs: DynamoGraphStore;
let log: OperationLog;
let writers: GraphWriters;
let graphId: string;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
  const store = new DynamoOperationStore(table);
  log = new OperationLog(store);
  graphs = new DynamoGraphStore(table);
  writers = new GraphWriters(new DynamoGraphWriterStore(table), graphs, log);
});
afterAll(() => close());

const openOperation = async (): Promise<string> => {
  const accepted = acceptedEvent();
  await new DynamoOperationStore(table).putEvent(accepted);
  return accepted.operationId;
};
const end = (operationId: string) =>
  log.append(operationId, {
    type: 'failed',
    message: 'Failed',
    error: { code: 'internal', message: 'A test.', retryable: false },
  });

/** A graph in use: published and activated by the operation that made it. */
beforeEach(async () => {
  const accepted = acceptedEvent();
  ({ graphId } = await graphs.create(graphRequestedBy(accepted)));
  const first = { version: 1, key: `graphs/${graphId}/1`, checksum: 'c', bytes: 1 };
  await graphs.publish(graphId, writerOf(accepted.operationId), first);
  await graphs.activate(graphId, writerOf(accepted.operationId));
});

test('of many operations at once one writes the graph, and the others hear which', async () => {
  const operations = await Promise.all(Array.from({ length: 8 }, openOperation));
  const claims = await Promise.allSettled(operations.map((operationId) => writers.claim(graphId, operationId)));
  const won = operations.filter((_, at) => claims[at]?.status === 'fulfilled');
  expect(won).toHaveLength(1);
  for (const claim of claims) {
    if (claim.status === 'rejected') expect(claim.reason).toMatchObject({ code: 'conflict', operationId: won[0] });
  }
  await writers.claim(graphId, won[0] ?? '');
});

test('a claim is over with its operation, and not before, however long it takes', async () => {
  const [first, next] = [await openOperation(), await openOperation()];
  await writers.claim(graphId, first);
  await expect(writers.claim(graphId, next)).rejects.toMatchObject({ code: 'conflict', operationId: first });
  await end(first);
  await writers.claim(graphId, next);
  // The one before ends late, and ends nothing of the next.
  await writers.release(graphId, first);
  expect((await graphs.get(graphId))?.writer).toBe(writerOf(next));
});

test('a claim that its operation has left behind is nothing to whoever comes next', async () => {
  const operationId = await openOperation();
  const claimed = await writers.claim(graphId, operationId);
  expect(await writers.withoutPastClaim(claimed)).toEqual(claimed);
  await writers.releasePast(graphId);
  expect(await graphs.get(graphId)).toEqual(claimed);
  await end(operationId);
  expect(await writers.withoutPastClaim(claimed)).toEqual({ ...claimed, writer: null });
  await writers.releasePast(graphId);
  await writers.releasePast(graphId);
  expect(await graphs.get(graphId)).toEqual({ ...claimed, writer: null });
});

test('a graph that is not in use is not written', async () => {
  const accepted = acceptedEvent();
  const { graphId: unfinished } = await graphs.create(graphRequestedBy(accepted));
  await expect(writers.claim(unfinished, await openOperation())).rejects.toMatchObject({ code: 'graph_not_ready' });
  await expect(writers.claim('kg-none', await openOperation())).rejects.toMatchObject({ code: 'not_found' });
});

test('the pointer moves for the operation that has the claim, once, and for no other', async () => {
  const [first, next] = [await openOperation(), await openOperation()];
  const snapshot = { version: 2, key: `graphs/${graphId}/2`, checksum: 'c', bytes: 1 };
  const others = { ...snapshot, key: `graphs/${graphId}/2b` };
  await writers.claim(graphId, first);
  expect(await writers.publish(graphId, next, others)).toBeUndefined();
  expect(await writers.publish(graphId, first, snapshot, async () => false)).toBeUndefined();
  expect((await graphs.get(graphId))?.snapshot?.version).toBe(1);

  expect(await writers.publish(graphId, first, snapshot)).toMatchObject({ graphId, snapshot });
  await writers.release(graphId, first);
  await writers.claim(graphId, next);
  // Who finds it published has published it, whoever has the claim by now.
  expect(await writers.publish(graphId, first, snapshot)).toMatchObject({ snapshot });
  expect(await writers.publish(graphId, next, others)).toBeUndefined();
  expect((await graphs.get(graphId))?.snapshot?.key).toBe(snapshot.key);
});
