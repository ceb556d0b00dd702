import { beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoAccountStore } from '../../../domain/billing/dynamo-account-store.ts';
import { DynamoGraphQuota } from '../../../domain/billing/dynamo-graph-quota.ts';
import { PaymentGate } from '../../../domain/billing/payment-gate.ts';
import { DynamoFlagStore } from '../../../domain/flags/dynamo-flag-store.ts';
import { DEFAULT_FLAGS } from '../../../domain/flags/feature-flags.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoDeletionStore } from '../../../domain/graph/dynamo-deletion-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { operationIdOfWriter, writerOf } from '../../../domain/graph/graph.ts';
import { GraphDeletion } from '../../../domain/graph/graph-deletion.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { GraphWriters } from '../../../domain/graph/graph-writers.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { DynamoWritePauseStore } from '../../../domain/lease/dynamo-write-pause-store.ts';
import { PauseGate } from '../../../domain/lease/write-pause.ts';
import { StaleGraphs } from '../../../domain/materialization/stale-graphs.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { sourceOf } from '../../../domain/table/freshness.ts';
import { newPartKey } from '../../../domain/table/table.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { publicationOn } from '../../fixtures/publications.ts';

const AT = '2026-01-01T00:00:00.000Z';
const INSTANCE = { instanceId: 'inst-standard-1', tier: 'standard' } as const;
const TABLE = 'Entity';

let table: ControlTableClient;
let close: () => Promise<void>;
let graphs: DynamoGraphStore;
let store: DynamoTableStore;
let log: OperationLog;
let changes: Tables;
let flags: DynamoFlagStore;
let started: string[];
let graphId: string;

/** Workflows that begin and never go on. */
const workflows: Workflows = {
  start: async ({ machine, operationId }) => {
    started.push(`${machine} ${operationId}`);
  },
  stop: async () => {},
  stateOf: async () => 'running',
};

beforeEach(async () => {
  ({ table, close } = await startControlTable());
  graphs = new DynamoGraphStore(table);
  store = new DynamoTableStore(table);
  log = new OperationLog(new DynamoOperationStore(table));
  changes = new Tables(store, log);
  flags = new DynamoFlagStore(table, () => Date.now());
  started = [];
  await flags.put({ ...DEFAULT_FLAGS, paymentGate: false, automaticMaterialization: true });
  const own = { endpoint: 'http://127.0.0.1:1', image: 'image', taskArn: 'task', capacity: 10, generation: 1 };
  await new DynamoInstanceStore(table).register({ ...INSTANCE, ...own }, AT);
  const graph = graphRequestedBy(acceptedEvent());
  ({ graphId } = graph);
  await graphs.create({ ...graph, status: 'active', writer: null, placement: INSTANCE.instanceId });
  return close;
});

const stage = async (): Promise<void> => {
  const operationId = operationIdFor('acme', undefined);
  const before = await changes.claim(graphId, TABLE, operationId);
  const parts = [{ key: newPartKey(before), rows: 1, bytes: 1, checksum: 'c' }];
  await changes.publish(graphId, TABLE, publicationOn(before, { operationId, mode: 'create', parts }), AT);
};

/** A run of the schedule, which has come round to its beginning. */
const turn = async (): Promise<number> => {
  const rotations = new DynamoRotationStore(table);
  await rotations.put('stale-graphs', null);
  const stale = new StaleGraphs({
    flags,
    store,
    changes,
    graphs,
    writers: new GraphWriters(new DynamoGraphWriterStore(table), graphs, log),
    instances: new DynamoInstanceStore(table),
    gate: new PaymentGate(new DynamoAccountStore(table), new DynamoGraphQuota(table), flags),
    pauses: new PauseGate(new DynamoWritePauseStore(table)),
    operations: log,
    commands: new OperationCommands(log, workflows),
    rotations,
  });
  return (await stale.takeTurn(10)).begun;
};
const writer = async () => (await graphs.get(graphId))?.writer ?? '';

test('a stale graph is materialized once for what is staged, and again when there is more', async () => {
  expect(await turn()).toBe(0);
  await stage();
  expect(await Promise.all([turn(), turn()])).toContain(1);
  const operationId = operationIdOfWriter(await writer());
  expect(new Set(started)).toEqual(new Set([`materialize ${operationId}`]));
  expect(await log.get(operationId)).toMatchObject({ kind: 'graph.materialize', tenantId: 'acme', graphId });

  await log.append(operationId, { type: 'failed', message: 'Failed', error: null });
  expect(await turn()).toBe(0);
  await stage();
  expect(await turn()).toBe(1);
  expect(operationIdOfWriter(await writer())).not.toBe(operationId);
});

test('nothing begins unless it is switched on', async () => {
  await stage();
  await flags.put({ ...DEFAULT_FLAGS, paymentGate: false });
  expect(await turn()).toBe(0);
});

test.each([
  [
    'its instance is busy',
    () =>
      new DynamoLeaseStore(table).acquire(INSTANCE.instanceId, {
        leaseId: 'op_other.1',
        kind: 'backup',
        acquiredAt: AT,
      }),
  ],
  [
    'its instance is drained',
    () => new DynamoLeaseStore(table).beginDrain(INSTANCE, { owner: 'op_other.1', reason: 'A test', since: AT }),
  ],
  [
    'writes are paused',
    () =>
      new DynamoWritePauseStore(table).put({
        tier: null,
        owner: 'olga',
        reason: 'A test',
        until: '2126-01-01T00:00:00Z',
      }),
  ],
  ['nobody pays for it', () => flags.put({ ...DEFAULT_FLAGS, automaticMaterialization: true })],
  ['it is suspended', () => graphs.followStanding(graphId, 'suspended', '1')],
  [
    'another operation writes it',
    async () => {
      const other = acceptedEvent({ kind: 'backup.restore', graphId });
      await new DynamoOperationStore(table).putEvent(other);
      await new DynamoGraphWriterStore(table).claim(graphId, null, writerOf(other.operationId));
    },
  ],
])('a graph is left for later when %s', async (_why, make) => {
  await stage();
  await make();
  expect(await turn()).toBe(0);
  expect(started).toEqual([]);
});

test('a table that the snapshot has is not looked at again, whoever published that', async () => {
  await stage();
  const operationId = operationIdFor('acme', undefined);
  await new DynamoGraphWriterStore(table).claim(graphId, null, writerOf(operationId));
  const source = sourceOf(undefined, await store.list(graphId), { operationId, at: AT });
  await graphs.publish(graphId, writerOf(operationId), { version: 1, key: 'key', checksum: 'c', bytes: 1, source });
  await new DynamoGraphWriterStore(table).release(graphId, operationId);
  expect(await turn()).toBe(0);
  expect((await store.listUnsettled({ limit: 10, cursor: undefined })).items).toEqual([]);
});

test('a graph is not deleted while one of its tables is staged, and the deletion is told by what', async () => {
  const staging = acceptedEvent({ kind: 'table.create', graphId });
  await new DynamoOperationStore(table).putEvent(staging);
  await changes.claim(graphId, TABLE, staging.operationId);
  const deletion = new GraphDeletion(graphs, new DynamoDeletionStore(table), log, store);
  const graph = await graphs.get(graphId);
  const refused = { code: 'conflict', operationId: staging.operationId };
  if (graph !== undefined) await expect(deletion.check(graph, 'op_delete')).rejects.toMatchObject(refused);
  await expect(deletion.begin(graphId, 'op_delete', { emptyVersion: null })).rejects.toMatchObject(refused);
  await deletion.abandon(graphId, 'op_delete');
  await log.append(staging.operationId, { type: 'failed', message: 'Failed', error: null });
  await deletion.begin(graphId, 'op_delete', { emptyVersion: null });
  expect(await graphs.get(graphId)).toMatchObject({ status: 'deleting' });
});
