import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CapacityWait } from '../../../domain/fleet/capacity-wait.ts';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { InstanceWatch } from '../../../domain/fleet/instance-watch.ts';
import { Placement } from '../../../domain/fleet/placement.ts';
import { DynamoGraphMoveStore } from '../../../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoInstanceWaitStore } from '../../../domain/lease/dynamo-instance-wait-store.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { InstanceWaits } from '../../../domain/lease/instance-waits.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
const iso = (seconds: number) => at(seconds).toISOString();

const openWatch = async () => {
  const { table, close } = await startControlTable();
  const instances = new DynamoInstanceStore(table);
  const graphs = new DynamoGraphStore(table);
  const store = new DynamoOperationStore(table);
  const operations = new OperationLog(store);
  const woken: string[] = [];
  const tasks = { succeed: async (taskToken: string) => void woken.push(taskToken) };
  const queue = new DynamoCapacityQueue(table);
  const placement = new Placement(instances, graphs, queue);
  const moves = new DynamoGraphMoveStore(table);
  const capacity = new CapacityWait({ queue, placement, graphs, moves, operations, tasks });
  let now = at(0);
  const watch = new InstanceWatch({ instances, graphs, operations, capacity, tasks }, () => now);
  const rotations = new DynamoRotationStore(table);
  const register = (instanceId: string, seconds: number) =>
    instances.register(
      { instanceId, tier: 'standard', endpoint: 'e', image: 'i', taskArn: 'task', capacity: 10, generation: 1 },
      iso(seconds),
    );
  return {
    ...{ table, instances, graphs, store, operations, placement, rotations, woken, close, register },
    leases: new DynamoLeaseStore(table),
    look: (seconds: number) => {
      now = at(seconds);
      return watch.look();
    },
    free: (limit: number) => watch.freeLeakedSlots(rotations, limit),
  };
};

let stage: Awaited<ReturnType<typeof openWatch>>;
beforeAll(async () => {
  stage = await openWatch();
});
afterAll(() => stage.close());
beforeEach(async () => {
  await stage.close();
  stage = await openWatch();
});

const statesOf = async () => {
  const listed = await stage.instances.listAll('standard');
  return Object.fromEntries(listed.map(({ instanceId, state }) => [instanceId, state]));
};

test('an instance that misses three heartbeats takes no graphs any more; one that is late does', async () => {
  await stage.register('inst-a', 0);
  await stage.register('inst-b', 1);
  expect(await stage.look(30)).toMatchObject({ silent: 0 });
  expect(await stage.look(31)).toMatchObject({ silent: 1 });
  expect(await stage.instances.get('inst-a')).toMatchObject({ state: 'QUARANTINED', quarantineReason: 'silent' });
  expect(await stage.instances.takeSlot('inst-a', 'kg1', 'op_1')).toBe(false);
  expect(await stage.instances.takeSlot('inst-b', 'kg1', 'op_1')).toBe(true);
  expect(await statesOf()).toEqual({ 'inst-a': 'QUARANTINED', 'inst-b': 'ACTIVE' });
});

test('a silent instance that is heard of again is taken back, with its slots, in the index too', async () => {
  await stage.register('inst-a', 0);
  await stage.instances.takeSlot('inst-a', 'kg1', 'op_1');
  await stage.look(31);
  expect(await stage.instances.heartbeat('inst-a', 'task', iso(32))).toBe(true);
  expect(await stage.instances.get('inst-a')).toMatchObject({ state: 'ACTIVE', quarantineReason: null, used: 1 });
  expect(await statesOf()).toEqual({ 'inst-a': 'ACTIVE' });
  await stage.look(63);
  expect(await stage.register('inst-a', 64)).toMatchObject({ state: 'ACTIVE', quarantineReason: null, used: 1 });
  expect(await statesOf()).toEqual({ 'inst-a': 'ACTIVE' });
});

test('a heartbeat that comes while the silence is noted wins', async () => {
  const read = await stage.register('inst-a', 0);
  await stage.instances.heartbeat('inst-a', 'task', iso(31));
  expect(read && (await stage.instances.quarantineSilent(read))).toBe(false);
  expect(await statesOf()).toEqual({ 'inst-a': 'ACTIVE' });
});

test('a leftover task does not take a silent instance back', async () => {
  await stage.register('inst-a', 0);
  await stage.look(31);
  expect(await stage.instances.heartbeat('inst-a', 'task-of-before', iso(32))).toBe(false);
  expect(await statesOf()).toEqual({ 'inst-a': 'QUARANTINED' });
});

/** A slot on inst-a, its record and its operation, as far as they are there. */
const haveSlot = async (status: 'running' | 'failed' | 'succeeded', placement: string | null) => {
  const event = acceptedEvent();
  await stage.store.putEvent(event);
  const error = { code: 'internal', message: 'Failed', retryable: false } as const;
  await stage.operations.append(event.operationId, { type: 'started', message: 'Started' });
  if (status === 'failed')
    await stage.operations.append(event.operationId, { type: 'failed', message: 'Failed', error });
  if (status === 'succeeded') {
    await stage.operations.append(event.operationId, { type: 'succeeded', message: 'Done', result: {} });
  }
  const graph = graphRequestedBy(event);
  if (placement !== null) await stage.graphs.create({ ...graph, placement });
  await stage.instances.takeSlot('inst-a', graph.graphId, event.operationId);
  return graph.graphId;
};

test('a slot is freed by proof only: its operation is over, and no record names it', async () => {
  for (const name of ['inst-a', 'inst-b']) await stage.register(name, 0);
  const kept = [
    await haveSlot('running', null),
    await haveSlot('succeeded', 'inst-a'),
    await haveSlot('failed', 'inst-a'),
  ];
  const leaked = [await haveSlot('failed', null), await haveSlot('succeeded', 'inst-b')];
  await stage.instances.takeSlot('inst-a', 'kgunknown', 'op_not_in_the_log');
  expect(await stage.free(10)).toBe(leaked.length);
  expect(Object.keys(await stage.instances.readSlots('inst-a')).sort()).toEqual([...kept, 'kgunknown'].sort());
  expect(await stage.instances.get('inst-a')).toMatchObject({ used: 4 });
});

test('instances have their turns, a few in each run', async () => {
  for (const name of ['inst-b', 'inst-a', 'inst-c']) await stage.register(name, 0);
  await haveSlot('failed', null);
  expect(await stage.free(2)).toBe(1);
  expect(await stage.free(2)).toBe(0);
  await haveSlot('failed', null);
  expect(await stage.free(2)).toBe(1);
});

test('an instance that drains or is cycled is not put in quarantine: its refresh has a deadline of its own', async () => {
  const { leases } = stage;
  const place = { instanceId: 'inst-a', tier: 'standard' } as const;
  const drain = { owner: 'op_r.1', reason: 'A refresh', since: iso(0) };
  await stage.register('inst-a', 0);
  await leases.beginDrain(place, drain);
  expect(await stage.look(100)).toMatchObject({ silent: 0 });
  expect(await statesOf()).toEqual({ 'inst-a': 'DRAINING' });
  await leases.claimCycle(place, 'op_r.1');
  expect(await stage.look(200)).toMatchObject({ silent: 0 });
  expect(await statesOf()).toEqual({ 'inst-a': 'CYCLING' });
});

test('one that was silent while it drained is put in quarantine once its gate is open again', async () => {
  const place = { instanceId: 'inst-a', tier: 'standard' } as const;
  await stage.register('inst-a', 0);
  await stage.leases.beginDrain(place, { owner: 'op_r.1', reason: 'A refresh', since: iso(0) });
  await stage.leases.undrain(place, 'op_r.1', iso(60));
  expect(await stage.look(61)).toMatchObject({ silent: 1 });
});

test('those who wait for a silent instance go on by the schedule when it is heard of again', async () => {
  await stage.register('inst-a', 0);
  await stage.look(31);
  const event = acceptedEvent();
  await stage.store.putEvent(event);
  const waits = new InstanceWaits({
    waits: new DynamoInstanceWaitStore(stage.table),
    leases: stage.leases,
    operations: stage.operations,
    tasks: { succeed: async (taskToken) => void stage.woken.push(taskToken) },
  });
  await waits.enter('inst-a', event, 'token');
  expect(await waits.takeTurn(stage.rotations, 10)).toBe(0);
  expect(stage.woken).toEqual([]);
  await stage.instances.heartbeat('inst-a', 'task', iso(32));
  expect(await waits.takeTurn(stage.rotations, 10)).toBe(1);
  expect(stage.woken).toEqual(['token']);
});

test('a graph that was on its way when that stopped has its slot at the new place before it loses the old one', async () => {
  for (const name of ['inst-a', 'inst-b']) await stage.register(name, 0);
  const graphId = await haveSlot('succeeded', 'inst-b');
  expect(await stage.free(10)).toBe(1);
  expect(await stage.instances.readSlots('inst-a')).toEqual({});
  expect(Object.keys(await stage.instances.readSlots('inst-b'))).toEqual([graphId]);
});
