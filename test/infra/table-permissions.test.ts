import { describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../domain/fleet/dynamo-tier-store.ts';
import { DynamoGraphStore } from '../../domain/graph/dynamo-graph-store.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import { DynamoRotationStore } from '../../domain/reconciliation/dynamo-rotation-store.ts';
import { TABLE_PERMISSIONS, type TablePermission } from '../../lib/data/table-permissions.ts';

describe('a permission on the control table allows what its adapters do', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const graph = { graphId: 'kg1', tenantId: 't', createdAt: at, tier: 'standard' } as Graph;
  const event = {
    operationId: 'op_1',
    seq: 1,
    tenantId: 't',
    kind: 'graph.create',
    status: 'accepted',
  } as OperationEvent;
  const snapshot = { version: 1, key: 'k', checksum: 'c', bytes: 1 };
  const registration = {
    instanceId: 'inst-1',
    tier: 'standard',
    endpoint: 'e',
    image: 'i',
    taskArn: 'a',
    capacity: 1,
  } as const;
  const page = { limit: 1 };
  type Stores = {
    log: DynamoOperationStore;
    graphs: DynamoGraphStore;
    instances: DynamoInstanceStore;
    tiers: DynamoTierStore;
    rotations: DynamoRotationStore;
  };

  const uses: Record<TablePermission, ((stores: Stores) => Promise<unknown>)[]> = {
    readsLog: [
      ({ log }) => log.readFirst('op_1'),
      ({ log }) => log.readLast('op_1'),
      ({ log }) => log.readEvents('op_1', 0, 1),
    ],
    appendsToLog: [({ log }) => log.putEvent(event), ({ log }) => log.moveProjection(operationAsOf(event))],
    listsOperations: [({ log }) => log.listByTenant('t', {}, page)],
    findsOpenOperations: [({ log }) => log.listOpen(page)],
    keepsRotations: [({ rotations }) => rotations.get('all'), ({ rotations }) => rotations.put('all', null)],
    readsGraphs: [({ graphs }) => graphs.get('kg1')],
    createsGraphs: [({ graphs }) => graphs.create(graph)],
    changesGraphs: [
      ({ graphs }) => graphs.place('kg1', null, 'inst-1'),
      ({ graphs }) => graphs.publish('kg1', 'op_1.1', snapshot),
      ({ graphs }) => graphs.withdraw('kg1', 'op_1.1'),
      ({ graphs }) => graphs.activate('kg1', 'op_1.1'),
      ({ graphs }) => graphs.deactivate('kg1', 'op_1.1'),
    ],
    removesGraphs: [({ graphs }) => graphs.remove('kg1', 'op_1')],
    listsGraphs: [({ graphs }) => graphs.listByTenant('t', page)],
    readsInstances: [({ instances }) => instances.get('inst-1'), ({ instances }) => instances.readSlots('inst-1')],
    changesInstances: [
      ({ instances }) => instances.register(registration, at),
      ({ instances }) => instances.heartbeat('inst-1', 'a', at),
      ({ instances }) => instances.takeSlot('inst-1', 'kg1', 'op_1'),
      ({ instances }) => instances.freeSlot('inst-1', 'kg1', 'op_1'),
    ],
    findsInstances: [({ instances }) => instances.listByTier('standard', 'ACTIVE')],
    readsTiers: [({ tiers }) => tiers.list()],
  };

  test.each(Object.entries(uses) as [TablePermission, (typeof uses)[TablePermission]][])('%s', async (name, calls) => {
    const { client, made } = recordingClient();
    const stores = {
      log: new DynamoOperationStore(client),
      graphs: new DynamoGraphStore(client),
      instances: new DynamoInstanceStore(client),
      tiers: new DynamoTierStore(client),
      rotations: new DynamoRotationStore(client),
    };
    for (const call of calls) await call(stores);

    const { actions, items, index } = TABLE_PERMISSIONS[name];
    const leadingKey = new RegExp(`^${items.replaceAll('*', '.*')}$`);
    expect(made.length).toBeGreaterThanOrEqual(calls.length);
    for (const call of made)
      expect(call).toEqual({ action: expect.any(String), index, key: expect.stringMatching(leadingKey) });
    expect([...new Set(made.map(({ action }) => action))].sort()).toEqual([...actions].sort());
  });
});

type Input = {
  IndexName?: string;
  Key?: { pk: string };
  Item?: { pk: string };
  ExpressionAttributeValues?: Record<string, string>;
};

/** A client that finds nothing, lets every write through, and notes what IAM would decide on. */
const recordingClient = () => {
  const made: { action: string; index: string | null; key: string | undefined }[] = [];
  const send = async (command: { constructor: { name: string }; input: Input }) => {
    const { IndexName, Key, Item, ExpressionAttributeValues: values } = command.input;
    const key = Key?.pk ?? Item?.pk ?? values?.[':pk'] ?? values?.[':partition'];
    made.push({
      action: command.constructor.name.replace('Command', 'Item').replace('QueryItem', 'Query'),
      index: IndexName ?? null,
      key,
    });
    return {};
  };
  return { client: { tableName: 'table', documents: { send } } as unknown as ControlTableClient, made };
};
