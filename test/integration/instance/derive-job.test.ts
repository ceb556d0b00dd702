import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { loadedSnapshotIn } from '../../../domain/materialization/materialization.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { newSnapshot, snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { partsPrefix } from '../../../domain/table/table.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { materialize } from '../../../instance/jobs/materialize.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type GraphFile, openWorkplace, spoil, type Workplace } from './workplace.ts';

const TABLE = 'Entity';

let table: ControlTableClient;
let store: DynamoOperationStore;
let operations: OperationLog;
let graphs: DynamoGraphStore;
let writers: DynamoGraphWriterStore;
let tables: DynamoTableStore;
let close: () => Promise<void>;
let workplace: Workplace;
let graphId: string;
/** It has one Entity, named as the graph. */
let source: GraphFile;

beforeAll(async () => {
  ({ close, table } = await startControlTable());
  store = new DynamoOperationStore(table);
  operations = new OperationLog(store);
  graphs = new DynamoGraphStore(table);
  writers = new DynamoGraphWriterStore(table);
  tables = new DynamoTableStore(table);
});
afterAll(() => close());
beforeEach(async () => {
  workplace = await openWorkplace();
  const [own, other] = [graphRequestedBy(acceptedEvent()), graphRequestedBy(acceptedEvent())];
  ({ graphId } = own);
  source = await workplace.uploadedGraph(other.graphId);
  await graphs.create({ ...own, status: 'active', writer: null });
  await graphs.create({ ...other, status: 'active', writer: writerOf('op_other'), snapshot: source.snapshot });
});

/** A materialization of the source's table that has its claims. */
const claimed = async (): Promise<string> => {
  const operationId = operationIdFor('acme', undefined);
  const sources = [{ kind: 'snapshot', graphId: source.graphId, tables: [TABLE], excludePatterns: [] }];
  const request = { force: false, rebuild: false, ignoreErrors: false, tables: null, sources };
  await store.putEvent(acceptedEvent({ operationId, kind: 'graph.materialize', graphId, request }));
  await operations.append(operationId, { type: 'started', message: 'Begun' });
  await writers.claim(graphId, null, writerOf(operationId));
  await new Tables(tables, operations).claim(graphId, TABLE, operationId);
  return operationId;
};
const run = (operationId: string, signal = new AbortController().signal) => {
  const handed = { tenantId: 'acme', taskToken: 'token', generation: 1, leaseId: `${operationId}.1` };
  const work = materialize({ ...workplace, operations, graphs, tables });
  return work({ kind: 'materialize', operationId, graphId, ...handed }, signal);
};
const kept = async () => [
  ...(await workplace.objects.list(partsPrefix(graphId))),
  ...(await workplace.objects.list(snapshotPrefix(graphId))),
];
/** Another version of the source is current from then on. @returns where its file is to be */
const publishNext = async (): Promise<string> => {
  const { checksum, bytes } = source.snapshot;
  const version = ((await graphs.get(source.graphId))?.snapshot?.version ?? 0) + 1;
  const next = newSnapshot(source.graphId, version, { checksum, bytes });
  expect(await graphs.publish(source.graphId, writerOf('op_other'), next)).toEqual(next);
  return next.key;
};

test('the snapshot that was current when it began is read, though another is published meanwhile', async () => {
  const operationId = await claimed();
  workplace.objects.beforeDownload = async () => void (await publishNext());
  await run(operationId);
  const { derived, snapshot } = loadedSnapshotIn(await operations.last(operationId));
  expect(derived).toMatchObject([
    { table: TABLE, version: 1, part: { rows: 1 }, source: { graphId: source.graphId, snapshotVersion: 1 } },
  ]);
  expect(snapshot.source.tables).toEqual([{ table: TABLE, version: 1, part: derived[0]?.part }]);
  expect(await kept()).toEqual([derived[0]?.part.key, snapshot.key]);
  expect(await workplace.scratchFiles()).toEqual([]);
  await workplace.cache.use(graphId, snapshot, async (database) => {
    const answer = await database.query({ cypher: 'MATCH (e:Entity) RETURN e.identifier', limit: 9, timeoutMs: 9_000 });
    expect(await Array.fromAsync(answer.rows())).toEqual([[source.graphId]]);
  });
});

test('of two runs at once the log takes one, and the other removes its part and its snapshot', async () => {
  const operationId = await claimed();
  await Promise.all([run(operationId), run(operationId)]);
  const { derived, snapshot } = loadedSnapshotIn(await operations.last(operationId));
  expect(await kept()).toEqual([derived[0]?.part.key, snapshot.key]);
});

test('a snapshot that is replaced and gone before it is fetched is read anew; one that is damaged is not read', async () => {
  const operationId = await claimed();
  workplace.objects.beforeDownload = async () => {
    await workplace.objects.remove(source.snapshot.key);
    await workplace.objects.upload(await publishNext(), source.file);
  };
  await expect(run(operationId)).rejects.toMatchObject({ name: 'Retryable', code: 'conflict' });
  workplace.objects.beforeDownload = async () => {};
  await spoil(source.file);
  await workplace.objects.upload(await publishNext(), source.file);
  await expect(run(operationId)).rejects.toMatchObject({ name: 'Terminal', code: 'internal' });
  expect(await kept()).toEqual([]);
  expect(await workplace.scratchFiles()).toEqual([]);
});

test('a run that is stopped, that has lost its table or whose source has gone leaves nothing', async () => {
  const operationId = await claimed();
  const stopped = new AbortController();
  workplace.objects.beforeDownload = async () => stopped.abort(new Error('Stopped'));
  await expect(run(operationId, stopped.signal)).rejects.toThrow('Stopped');
  workplace.objects.beforeDownload = async () => {};
  await new Tables(tables, operations).release(graphId, TABLE, operationId, '2026-01-01T00:00:00.000Z');
  await expect(run(operationId)).rejects.toMatchObject({ code: 'conflict' });
  await table.documents.send(
    new DeleteCommand({ TableName: table.tableName, Key: { pk: `GRAPH#${source.graphId}`, sk: 'META' } }),
  );
  await expect(run(operationId)).rejects.toMatchObject({ code: 'not_found' });
  expect(await kept()).toEqual([]);
  expect(await workplace.scratchFiles()).toEqual([]);
});
