import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { Evacuation } from '../../../domain/fleet/evacuation.ts';
import { GraphRescue } from '../../../domain/fleet/graph-rescue.ts';
import type { InstanceService, ServiceTask } from '../../../domain/fleet/instance-services.ts';
import { Placement } from '../../../domain/fleet/placement.ts';
import { TierMove } from '../../../domain/fleet/tier-move.ts';
import { DynamoGraphMoveStore } from '../../../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
const iso = (seconds: number) => at(seconds).toISOString();

let table: ControlTableClient;
let close: () => Promise<void>;
let instances: DynamoInstanceStore;
let graphs: DynamoGraphStore;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());
beforeEach(async () => {
  await close();
  ({ table, close } = await startControlTable());
  instances = new DynamoInstanceStore(table);
  graphs = new DynamoGraphStore(table);
});

const partsOn = (client: ControlTableClient) => {
  const stores = { instances: new DynamoInstanceStore(client), graphs: new DynamoGraphStore(client) };
  const queue = new DynamoCapacityQueue(client);
  const placement = new Placement(stores.instances, stores.graphs, queue);
  return { ...stores, queue, placement, moves: new DynamoGraphMoveStore(client) };
};
const evacuationOn = (client: ControlTableClient) => new Evacuation(partsOn(client));

const FILE = { checksum: 'c', bytes: 1 };
const FROM = { instanceId: 'inst-a', tier: 'standard' } as const;
const register = (instanceId: string, capacity = 10, tier: 'standard' | 'large' = 'standard') =>
  instances.register(
    { instanceId, tier, endpoint: 'e', image: 'i', taskArn: `task-${instanceId}`, capacity, generation: 1 },
    iso(0),
  );
const drain = () =>
  new DynamoLeaseStore(table).beginDrain(FROM, { owner: 'op_retire.1', reason: 'Retired', since: iso(0) });

/** A graph with its slot on inst-a. */
const placeGraph = async (): Promise<string> => {
  const graph = graphRequestedBy(acceptedEvent());
  await graphs.create({ ...graph, placement: 'inst-a' });
  await instances.takeSlot('inst-a', graph.graphId, graph.slotHolder);
  return graph.graphId;
};

/** Every graph has one slot, where its record says, and every instance counts those that it has. */
const expectPlaced = async (graphIds: readonly string[], notOn = 'inst-a') => {
  const slots: Record<string, string> = {};
  for (const { instanceId, used } of await instances.listAll('standard')) {
    const here = Object.keys(await instances.readSlots(instanceId));
    expect(used).toBe(here.length);
    for (const graphId of here) {
      expect(slots[graphId]).toBeUndefined();
      slots[graphId] = instanceId;
    }
  }
  const named = await Promise.all(graphIds.map(async (graphId) => [graphId, (await graphs.get(graphId))?.placement]));
  expect(slots).toEqual(Object.fromEntries(named));
  expect(Object.values(slots)).not.toContain(notOn);
};

/** Dies with its n-th write: before it is made, or before its answer comes. */
const dyingAt = (nth: number, when: 'before' | 'after'): ControlTableClient => {
  let writes = 0;
  const send = async (command: { constructor: { name: string } }) => {
    if (/^(Get|Query)/.test(command.constructor.name)) return table.documents.send(command as never);
    writes += 1;
    if (writes === nth && when === 'after') await table.documents.send(command as never).catch(() => {});
    if (writes >= nth) throw new Error('killed');
    return table.documents.send(command as never);
  };
  return { ...table, documents: { send } } as unknown as ControlTableClient;
};

test('the graphs of an instance get places on others, the least used first', async () => {
  for (const name of ['inst-a', 'inst-b', 'inst-c']) await register(name);
  const graphIds = await Promise.all([1, 2, 3, 4].map(placeGraph));
  await drain();
  expect(await evacuationOn(table).run(FROM, 100)).toEqual({ moved: 4, left: 0 });
  await expectPlaced(graphIds);
  expect((await instances.listByTier('standard', 'ACTIVE')).map(({ used }) => used)).toEqual([2, 2]);
  expect(await evacuationOn(table).run(FROM, 100)).toEqual({ moved: 0, left: 0 });
});

test('without room they stay where they are, each with its slot, and are moved when there is some', async () => {
  await register('inst-a');
  await register('inst-b', 1);
  const graphIds = await Promise.all([1, 2, 3].map(placeGraph));
  await drain();
  expect(await evacuationOn(table).run(FROM, 100)).toEqual({ moved: 1, left: 2 });
  await expectPlaced(graphIds, 'nowhere');
  await register('inst-c', 10);
  expect(await evacuationOn(table).run(FROM, 100)).toEqual({ moved: 2, left: 0 });
  await expectPlaced(graphIds);
});

test('one run moves as many as it may, and the next goes on', async () => {
  for (const name of ['inst-a', 'inst-b']) await register(name);
  const graphIds = await Promise.all([1, 2, 3].map(placeGraph));
  await drain();
  expect(await evacuationOn(table).run(FROM, 2)).toEqual({ moved: 2, left: 1 });
  expect(await evacuationOn(table).run(FROM, 2)).toEqual({ moved: 1, left: 0 });
  await expectPlaced(graphIds);
});

describe.each(['before', 'after'] as const)('a run that dies %s its', (when) => {
  test.each([1, 2, 3, 4])('write %i leaves no graph without a slot, and none with two in the end', async (nth) => {
    await register('inst-a');
    await register('inst-b', 1);
    await register('inst-c');
    const graphIds = [await placeGraph(), await placeGraph()];
    await drain();
    await expect(evacuationOn(dyingAt(nth, when)).run(FROM, 100)).rejects.toThrow('killed');
    await evacuationOn(table).run(FROM, 100);
    await expectPlaced(graphIds);
  });
});

test('two runs at once give each graph one slot', async () => {
  for (const name of ['inst-a', 'inst-b', 'inst-c']) await register(name);
  const graphIds = await Promise.all([1, 2, 3, 4, 5].map(placeGraph));
  await drain();
  await Promise.allSettled([1, 2, 3].map(() => evacuationOn(table).run(FROM, 100)));
  await evacuationOn(table).run(FROM, 100);
  await expectPlaced(graphIds);
});

test('a slot that no record names is freed, and so is the one that a tier move has left', async () => {
  for (const name of ['inst-a', 'inst-b']) await register(name);
  await register('inst-l', 10, 'large');
  await instances.takeSlot('inst-a', 'kgnone', 'op_none');
  const graphId = await placeGraph();
  await publishAndActivate(graphId);
  const { queue, moves } = partsOn(table);
  const mover = operationIdFor('acme', undefined);
  const tierMove = new TierMove({ graphs, moves, instances, queue });
  await tierMove.takeSlot(graphId, mover, 'large');
  await tierMove.switchOver(graphId, mover);
  await drain();
  expect(await evacuationOn(table).run(FROM, 100)).toEqual({ moved: 2, left: 0 });
  expect(await instances.readSlots('inst-b')).toEqual({});
  await tierMove.freeSpareSlot(graphId, mover, 'switched');
  expect(await graphs.get(graphId)).toMatchObject({ placement: 'inst-l', move: null });
});

test('the slot that a tier move prepares is moved with its record', async () => {
  for (const name of ['inst-a', 'inst-b']) await register(name);
  await register('inst-l', 10, 'large');
  const graph = { ...graphRequestedBy(acceptedEvent()), tier: 'large' as const, placement: 'inst-l' };
  await graphs.create(graph);
  await instances.takeSlot('inst-l', graph.graphId, graph.slotHolder);
  await publishAndActivate(graph.graphId);
  const { moves } = partsOn(table);
  const mover = operationIdFor('acme', undefined);
  await moves.begin(graph.graphId, mover, { tier: 'standard', placement: 'inst-a' });
  await instances.takeSlot('inst-a', graph.graphId, mover);
  await drain();
  expect(await evacuationOn(table).run(FROM, 100)).toEqual({ moved: 1, left: 0 });
  expect(await graphs.get(graph.graphId)).toMatchObject({
    placement: 'inst-l',
    move: { spare: { placement: 'inst-b' } },
  });
  expect(await instances.readSlots('inst-b')).toEqual({ [graph.graphId]: mover });
});

const publishAndActivate = async (graphId: string): Promise<void> => {
  const { writer } = (await graphs.get(graphId)) ?? {};
  await graphs.publish(graphId, writer ?? '', newSnapshot(graphId, 1, FILE));
  await graphs.activate(graphId, writer ?? '');
};

describe('an instance that is gone for good', () => {
  const service = (task: Partial<ServiceTask> | null) => ({ task }) as InstanceService;
  let woken: string[];
  beforeEach(() => {
    woken = [];
  });
  const rescue = (found: InstanceService | undefined, seconds: number, limit = 5) =>
    new GraphRescue(
      {
        instances,
        services: { describe: async () => found },
        evacuation: evacuationOn(table),
        wake: async (instanceId) => void woken.push(instanceId),
      },
      () => at(seconds),
    ).takeTurn(new DynamoRotationStore(table), limit, 100);

  const goSilent = async (instanceId: string) => {
    const instance = await instances.get(instanceId);
    if (instance !== undefined) await instances.quarantineSilent(instance);
  };

  test.each([
    ['has no service', undefined],
    ['has no task', service(null)],
    ['has a task that does not start', service({ status: 'PENDING' })],
  ])('and %s loses no graph: each has its slot on another, and who waits goes on', async (_what, found) => {
    for (const name of ['inst-a', 'inst-b']) await register(name);
    const graphIds = await Promise.all([1, 2, 3].map(placeGraph));
    await goSilent('inst-a');
    expect(await rescue(found, 299)).toEqual({ gone: 0, moved: 0, stranded: 0 });
    expect(await rescue(found, 301)).toEqual({ gone: 1, moved: 3, stranded: 0 });
    expect(woken).toEqual(['inst-a']);
    await expectPlaced(graphIds);
    expect(await rescue(found, 302)).toEqual({ gone: 0, moved: 0, stranded: 0 });
  });

  test('is not one whose task runs, nor one that is heard of', async () => {
    for (const name of ['inst-a', 'inst-b']) await register(name);
    await placeGraph();
    expect(await rescue(undefined, 400)).toMatchObject({ gone: 0 });
    await goSilent('inst-a');
    expect(await rescue(service({ status: 'RUNNING' }), 400)).toMatchObject({ gone: 0 });
    await instances.heartbeat('inst-a', 'task-inst-a', iso(399));
    expect(await rescue(undefined, 400)).toMatchObject({ gone: 0 });
    expect(await instances.get('inst-a')).toMatchObject({ state: 'ACTIVE', used: 1 });
  });

  test('instances have their turns, so that one without room holds up no other', async () => {
    for (const name of ['inst-a', 'inst-b']) await register(name);
    const graphIds = [await placeGraph()];
    for (const name of ['inst-a', 'inst-b']) await goSilent(name);
    await instances.takeSlot('inst-b', 'kg', 'op');
    expect(await rescue(undefined, 400, 1)).toEqual({ gone: 1, moved: 0, stranded: 1 });
    expect((await graphs.get(graphIds[0] ?? ''))?.placement).toBe('inst-a');
    await register('inst-c');
    expect(await rescue(undefined, 400, 1)).toMatchObject({ gone: 1, moved: 1 });
    await expectPlaced(graphIds);
  });
});
