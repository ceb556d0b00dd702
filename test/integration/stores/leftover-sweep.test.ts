import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DynamoCreditDebtStore } from '../../../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { DynamoGraphQuota } from '../../../domain/billing/dynamo-graph-quota.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoSubgraphStore } from '../../../domain/graph/dynamo-subgraph-store.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { SubgraphPlaces } from '../../../domain/graph/subgraph-places.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import type { OperationStatus } from '../../../domain/operation/operation.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { LeftoverSweep } from '../../../domain/reconciliation/leftover-sweep.ts';
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import { creditPoolOf } from '../../../domain/repository/repository-access.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const AT = '2026-01-01T00:00:00.000Z';
const INSTANCE = 'inst-1';

let close: () => Promise<void>;
let operations: DynamoOperationStore;
let graphs: DynamoGraphStore;
let subgraphs: DynamoSubgraphStore;
let instances: DynamoInstanceStore;
let quota: DynamoGraphQuota;
let accesses: DynamoRepositoryAccessStore;
let credits: DynamoCreditStore;
let sweep: () => Promise<unknown>;

beforeAll(async () => {
  const { table, ...started } = await startControlTable();
  close = started.close;
  operations = new DynamoOperationStore(table);
  graphs = new DynamoGraphStore(table);
  subgraphs = new DynamoSubgraphStore(table);
  instances = new DynamoInstanceStore(table);
  quota = new DynamoGraphQuota(table);
  accesses = new DynamoRepositoryAccessStore(table);
  credits = new DynamoCreditStore(table);
  const log = new OperationLog(operations);
  const places = new SubgraphPlaces(graphs, subgraphs, log);
  const debts = new DynamoCreditDebtStore(table);
  const leftovers = new LeftoverSweep({ operations: log, graphs, places, instances, quota, accesses, credits, debts });
  const rotations = new DynamoRotationStore(table);
  sweep = () => leftovers.takeTurn(rotations, 100);
  await instances.register(
    {
      instanceId: INSTANCE,
      tier: 'standard',
      endpoint: 'http://x',
      image: 'i',
      taskArn: 't',
      capacity: 9,
      generation: 1,
    },
    AT,
  );
});
afterAll(() => close());

/** What a run of TakeSlot has written for an operation that is in a status by then. */
const leftGraph = async (status: OperationStatus, own: Partial<Graph> = {}): Promise<Graph> => {
  const accepted = acceptedEvent();
  await operations.putEvent({ ...accepted, status });
  const graph = await graphs.create({ ...graphRequestedBy(accepted), placement: INSTANCE, ...own });
  await quota.admit(graph.tenantId, graph.graphId, 100);
  if (graph.placement !== null) await instances.takeSlot(INSTANCE, graph.graphId, graph.createdBy);
  return graph;
};

const leftAccess = async (tenantId: string, status: OperationStatus) => {
  const { operationId, ...event } = acceptedEvent({ tenantId, kind: 'repository.access' });
  await operations.putEvent({ ...event, operationId, status });
  const repository = 'filings';
  await accesses.grant({
    tenantId,
    repository,
    operationId,
    plan: 'reader',
    graphId: 'kg1',
    status: 'granting',
    grantedAt: AT,
  });
  await credits.allocate(tenantId, creditPoolOf(repository, operationId), { key: operationId, amount: 1_000 });
  return { tenantId, repository, operationId } as const;
};

describe('a graph that is provisioning', () => {
  test.each(['failed', 'cancelled', 'timed_out', 'succeeded'] as const)(
    'is removed with its slot when its operation is %s: a late run has left it',
    async (status) => {
      const { graphId, tenantId } = await leftGraph(status);
      const counted = await quota.count(tenantId);
      await sweep();
      expect(await graphs.get(graphId)).toBeUndefined();
      expect(await instances.readSlots(INSTANCE)).not.toHaveProperty(graphId);
      expect(await quota.count(tenantId)).toBe(counted - 1);
    },
  );

  test.each(['accepted', 'queued', 'running', 'compensating', 'compensation_failed'] as const)(
    'stays while its operation is %s',
    async (status) => {
      const { graphId } = await leftGraph(status);
      await sweep();
      expect(await graphs.get(graphId)).toBeDefined();
      expect(await instances.readSlots(INSTANCE)).toHaveProperty(graphId);
      await instances.freeSlot(INSTANCE, graphId, (await graphs.get(graphId))?.slotHolder ?? '');
    },
  );

  test('and of which no operation is known stays: there is no proof', async () => {
    const graph = await graphs.create(graphRequestedBy(acceptedEvent()));
    await sweep();
    expect(await graphs.get(graph.graphId)).toBeDefined();
  });

  test('and is a subgraph gives its place back', async () => {
    const parent = await leftGraph('running', { status: 'active' });
    const subgraph = await leftGraph('failed', { parentId: parent.graphId, name: 'one', placement: null });
    await subgraphs.reserve(parent, { parentId: parent.graphId, name: 'one', graphId: subgraph.graphId });
    await sweep();
    expect(await graphs.get(subgraph.graphId)).toBeUndefined();
    expect((await graphs.get(parent.graphId))?.subgraphs).toEqual({});
  });

  test('is not looked at any more once it is active, and is again when that is undone', async () => {
    const { graphId, createdBy } = await leftGraph('running');
    const listed = async () =>
      (await graphs.listProvisioning({ limit: 100 })).items.some((graph) => graph.graphId === graphId);
    await graphs.publish(graphId, writerOf(createdBy), newSnapshot(graphId, 1, { checksum: 'aa', bytes: 1 }));
    expect(await listed()).toBe(true);
    await graphs.activate(graphId, writerOf(createdBy));
    expect(await listed()).toBe(false);
    await graphs.deactivate(graphId, createdBy);
    expect(await listed()).toBe(true);
  });
});

describe('an access', () => {
  test('that is being granted is removed with its credits when its operation is over, and only then', async () => {
    const left = await leftAccess('left', 'failed');
    const granted = await leftAccess('granted', 'running');
    await sweep();
    expect(await accesses.get('left', left.repository)).toBeUndefined();
    expect(await credits.get('left', creditPoolOf(left.repository, left.operationId))).toBeUndefined();
    expect(await accesses.get('granted', granted.repository)).toMatchObject({ status: 'granting' });
  });

  test('that is ending, because the call was cut short, is ended', async () => {
    const { tenantId, repository, operationId } = await leftAccess('ending', 'succeeded');
    await accesses.activate(tenantId, repository, operationId);
    const access = await accesses.get(tenantId, repository);
    if (access !== undefined) await accesses.end(access);
    await sweep();
    expect(await accesses.get(tenantId, repository)).toBeUndefined();
    expect(await credits.get(tenantId, creditPoolOf(repository, operationId))).toBeUndefined();
  });

  test('that is active is left alone', async () => {
    const { tenantId, repository, operationId } = await leftAccess('active', 'succeeded');
    await accesses.activate(tenantId, repository, operationId);
    await sweep();
    expect(await accesses.get(tenantId, repository)).toMatchObject({ status: 'active' });
  });
});
