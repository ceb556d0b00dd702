import { readdir } from 'node:fs/promises';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { loadedSnapshotIn, type MaterializationRequest } from '../../../domain/materialization/materialization.ts';
import type { MaterializationSource } from '../../../domain/materialization/sources.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import { newSnapshot, snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { partsPrefix } from '../../../domain/table/table.ts';
import type { TableLimits } from '../../../domain/table/table-limits.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { deriveTables } from '../../../instance/jobs/derive-tables.ts';
import { materialize } from '../../../instance/jobs/materialize.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { temporaryDirectory } from '../local/temporary-directory.ts';
import { type GraphFile, jobOf, openWorkplace, spoil, type Workplace } from './workplace.ts';

const TABLE = 'Entity';

let table: ControlTableClient;
let store: DynamoOperationStore;
let operations: OperationLog;
let graphs: DynamoGraphStore;
let accesses: DynamoRepositoryAccessStore;
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
  accesses = new DynamoRepositoryAccessStore(table);
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

const requestFor = (sources: MaterializationSource[]): MaterializationRequest => ({
  force: false,
  rebuild: false,
  ignoreErrors: false,
  tables: null,
  sources,
});
const copyOf = (...names: string[]): MaterializationSource => ({
  kind: 'snapshot',
  graphId: source.graphId,
  tables: names,
  excludePatterns: [],
});

/** A materialization of the source's table that has its claims. */
const claimed = async (): Promise<string> => {
  const operationId = operationIdFor('acme', undefined);
  const request = requestFor([copyOf(TABLE)]);
  await store.putEvent(acceptedEvent({ operationId, kind: 'graph.materialize', graphId, request }));
  await operations.append(operationId, { type: 'started', message: 'Begun' });
  await writers.claim(graphId, null, writerOf(operationId));
  await new Tables(tables, operations).claim(graphId, TABLE, operationId);
  return operationId;
};
const run = (operationId: string, signal = new AbortController().signal) => {
  const work = materialize({ ...workplace, operations, graphs, accesses, tables });
  return work(jobOf('materialize', { operationId, graphId }), signal);
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

test('a repository is read while the tenant has access to it, not when that has ended since', async () => {
  const repository = 'filings';
  const changed = { ':kind': 'repository', ':name': repository, ':tenant': '~fleet' };
  await table.documents.send(
    new UpdateCommand({
      TableName: table.tableName,
      Key: { pk: `GRAPH#${source.graphId}`, sk: 'META' },
      UpdateExpression: 'SET kind = :kind, #name = :name, tenantId = :tenant',
      ExpressionAttributeNames: { '#name': 'name' },
      ExpressionAttributeValues: changed,
    }),
  );
  const operationId = await claimed();
  await expect(run(operationId)).rejects.toMatchObject({ name: 'Refusal', code: 'not_found' });
  const access = { tenantId: 'acme', repository, plan: 'reader', graphId: source.graphId, operationId } as const;
  await accesses.grant({ ...access, status: 'active', grantedAt: '2026-01-01T00:00:00.000Z' });
  await accesses.follow('acme', repository, 'suspended', 'mark-1');
  await expect(run(operationId)).rejects.toMatchObject({ name: 'Refusal', code: 'payment_required' });
  await accesses.follow('acme', repository, 'active', 'mark-2');
  await run(operationId);
  expect(loadedSnapshotIn(await operations.last(operationId)).derived).toMatchObject([{ part: { rows: 1 } }]);
});

/** Looks into a directory whenever something is told. */
class WatchingLog extends OperationLog {
  readonly seen: string[][] = [];
  directory = '';

  override async append(...event: Parameters<OperationLog['append']>) {
    this.seen.push((await readdir(this.directory)).sort());
    return super.append(...event);
  }
}

describe('derivations together', () => {
  const RELATION = 'RELATED_TO';
  /** One Entity, and three relationships of it. */
  const derive = async (operationId: string, limits: Partial<TableLimits>, log = operations) => {
    const directory = log instanceof WatchingLog ? log.directory : await temporaryDirectory();
    const [graph, staged] = [await graphs.get(graphId), await tables.list(graphId)];
    if (graph === undefined) throw new Error('There is no graph.');
    const cypher = 'MATCH (e:Entity) UNWIND [1, 2, 3] AS n RETURN e.identifier AS `from`, e.identifier AS `to`';
    const query = { kind: 'query', table: RELATION, graphId: source.graphId, cypher, parameters: {} } as const;
    const request = requestFor([copyOf(TABLE), query]);
    return deriveTables(
      { ...workplace, graphs, accesses, operations: log },
      { operationId, graph, staged, request, limits: { rowsPerTable: 10, rows: 10, bytes: 1e6, ...limits } },
      { directory, signal: new AbortController().signal },
    );
  };

  test('have so many rows and bytes, and one is on the disk beside those that are made', async () => {
    const log = new WatchingLog(store);
    log.directory = await temporaryDirectory();
    const operationId = await claimed();
    await new Tables(tables, operations).claim(graphId, RELATION, operationId);
    const derived = await derive(operationId, { rows: 4 }, log);
    expect(derived.map(({ part }) => part.rows)).toEqual([1, 3]);
    expect(log.seen).toEqual([['Entity.parquet'], ['Entity.parquet', 'RELATED_TO.parquet']]);
    const bytes = derived.reduce((sum, { part }) => sum + part.bytes, 0);
    for (const limits of [{ rows: 3 }, { rows: 1 }, { bytes: bytes - 1 }])
      await expect(derive(operationId, limits)).rejects.toMatchObject({ code: 'too_large' });
  });
});
