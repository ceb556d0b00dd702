import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MOST_COUNTED, type QueuePlace } from '../../../domain/fleet/capacity-queue.ts';
import { CapacityWait } from '../../../domain/fleet/capacity-wait.ts';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { Placement } from '../../../domain/fleet/placement.ts';
import type { FleetTier } from '../../../domain/fleet/tier.ts';
import { DynamoGraphMoveStore } from '../../../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { type GraphRequest, graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { goesForward, isTerminal } from '../../../domain/operation/operation.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const AT = '2026-01-01T00:00:00.000Z';
const INSTANCES = 2;
const SLOTS = 2;

let table: Awaited<ReturnType<typeof startControlTable>>['table'];
let close: () => Promise<void>;
beforeAll(async () => ({ table, close } = await startControlTable()));
afterAll(() => close());

let tiers = 0;

/** A tier of its own with its instances, and operations that want a slot on it, as their workflows drive them. */
const openTier = async (capacity = SLOTS) => {
  tiers += 1;
  const tier = `queue${tiers}` as FleetTier;
  const woken: string[] = [];
  const instances = new DynamoInstanceStore(table);
  const graphs = new DynamoGraphStore(table);
  const queue = new DynamoCapacityQueue(table);
  const store = new DynamoOperationStore(table);
  const operations = new OperationLog(store);
  const placement = new Placement(instances, graphs, queue);
  const parts = {
    queue,
    placement,
    graphs,
    moves: new DynamoGraphMoveStore(table),
    operations,
    tasks: { succeed: async (taskToken: string) => void woken.push(taskToken) },
  };
  const wait = new CapacityWait(parts);
  const names = Array.from({ length: INSTANCES }, (_, at) => `${tier}-${at}`);
  for (const instanceId of names) {
    const task = { endpoint: 'http://127.0.0.1:1', image: 'sha256:one', taskArn: 'task', capacity, generation: 1 };
    await instances.register({ instanceId, tier, ...task }, AT);
  }
  let accepted = 0;
  const accept = async () => {
    accepted += 1;
    const createdAt = new Date(Date.parse(AT) + accepted).toISOString();
    const event = acceptedEvent({ createdAt, request: { ...(acceptedEvent().request as GraphRequest), tier } });
    await store.putEvent(event);
    return { ...event, graphId: event.graphId ?? '' };
  };
  type Accepted = Awaited<ReturnType<typeof accept>>;

  /** TakeSlot, and WaitForCapacity when it says so. */
  const take = async (event: Accepted) => {
    const { operationId } = event;
    const last = await operations.last(operationId);
    if (last.status !== 'accepted' && last.status !== 'queued') return;
    const graph = graphRequestedBy(event);
    try {
      await placement.takeSlot(graph);
      await operations.append(operationId, { type: 'started', message: 'Slot taken' }, last);
    } catch (error) {
      if (!goesForward((await operations.last(operationId)).status)) {
        // As the step does: a run that meets the undo, or comes after it, undoes itself.
        const late = await graphs.get(graph.graphId);
        if (late !== undefined) await placement.freeSlot(late);
        await graphs.remove(graph.graphId, operationId);
        return wait.serve(tier);
      }
      if ((error as Error).name !== 'WaitingForCapacity') return;
      const { isFirst } = await wait.enter(last, graph, `${operationId}.${last.seq}`).catch(() => ({ isFirst: false }));
      if (isFirst) await wait.serve(tier);
    }
  };
  /** The undo, in the order of the workflow. */
  const cancel = async (event: Accepted) => {
    const { operationId, graphId } = event;
    const error = { code: 'internal', message: 'Cancelled', retryable: false } as const;
    const last = await operations.last(operationId);
    if (isTerminal(last.status)) return;
    if (last.status !== 'compensating')
      await operations.append(operationId, { type: 'compensating', message: 'Undoing', error });
    const graph = await graphs.get(graphId ?? '');
    if (graph !== undefined) {
      await placement.freeSlot(graph);
      await wait.serve(tier);
      if ((await instances.readSlots(graph.placement ?? 'none'))[graph.graphId] === operationId) return;
      await graphs.remove(graph.graphId, operationId);
    }
    await wait.leave(tier, event);
    await operations.append(operationId, { type: 'failed', message: 'Undone', error });
  };
  const slots = async () =>
    (await Promise.all(names.map(async (name) => Object.entries(await instances.readSlots(name))))).flat();
  const used = async () =>
    (await Promise.all(names.map((name) => instances.get(name)))).reduce((sum, found) => sum + (found?.used ?? 0), 0);
  const acceptThree = async () => [await accept(), await accept(), await accept()] as const;
  const first = async () => {
    const [waiting] = await queue.list(tier, 1);
    if (waiting === undefined) throw new Error('Nobody waits.');
    return waiting;
  };
  return {
    acceptThree,
    first,
    tier,
    operations,
    graphs,
    instances,
    queue,
    parts,
    wait,
    woken,
    names,
    accept,
    take,
    cancel,
    slots,
    used,
  };
};

type Tier = Awaited<ReturnType<typeof openTier>>;

/** In the end: whoever wants a slot has one, or waits while none is free; and no slot is anybody else's. */
const expectNothingLost = async (
  { tier, operations, graphs, queue, slots, used }: Tier,
  events: readonly Awaited<ReturnType<Tier['accept']>>[],
) => {
  const held = await slots();
  expect(await used()).toBe(held.length);
  expect(new Set(held.map(([graphId]) => graphId)).size).toBe(held.length);
  for (const [graphId, holder] of held) {
    expect((await operations.get(holder)).status, graphId).toBe('running');
    expect(await graphs.get(graphId)).toMatchObject({ slotHolder: holder });
  }
  const waiting = await queue.list(tier, 100);
  for (const { operationId, status, createdAt } of await Promise.all(
    events.map(({ operationId }) => operations.get(operationId)),
  )) {
    const holds = held.some(([, holder]) => holder === operationId);
    const waits = waiting.some((item) => item.operationId === operationId);
    expect({ operationId, status, createdAt, holds, waits }).toMatchObject(
      isTerminal(status) ? { holds: false, waits: false } : { holds: !waits },
    );
  }
  if (waiting.length > 0) expect(held).toHaveLength(INSTANCES * SLOTS);
};

test('slots that are taken, freed, cancelled and served in any order, at once, are never doubled or lost', async () => {
  const act = fc.tuple(fc.constantFrom('take', 'cancel', 'serve' as const), fc.nat(9));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { maxLength: 8 }), async (rounds) => {
      const opened = await openTier();
      const events = await Promise.all(Array.from({ length: 10 }, opened.accept));
      for (const round of rounds) {
        await Promise.all(
          round.map(async ([what, which]) => {
            const event = events[which];
            if (what === 'serve' || event === undefined) await opened.wait.serve(opened.tier);
            else await opened[what](event).catch(() => undefined);
          }),
        );
      }
      // What was interrupted is carried on, as the workflows and the schedule do.
      for (const event of events) {
        const { status } = await opened.operations.get(event.operationId);
        if (status === 'compensating') await opened.cancel(event);
      }
      await opened.wait.serve(opened.tier);
      for (const event of events) await opened.take(event);
      await opened.wait.serve(opened.tier);
      for (const event of events) await opened.take(event);
      await expectNothingLost(opened, events);
    }),
    { numRuns: 25 },
  );
}, 120_000);

test('who has waited longest is served first, however the slots are freed and however many serve at once', async () => {
  const opened = await openTier();
  const events = await Promise.all(Array.from({ length: 12 }, opened.accept));
  for (const event of events.toReversed().slice(0, INSTANCES * SLOTS)) await opened.take(event);
  const waiting = events.slice(0, -INSTANCES * SLOTS);
  await Promise.all(waiting.map(opened.take));
  expect((await opened.queue.list(opened.tier, 100)).map(({ operationId }) => operationId)).toEqual(
    waiting.map(({ operationId }) => operationId),
  );
  for (const [at, event] of events
    .toReversed()
    .slice(0, INSTANCES * SLOTS)
    .entries()) {
    await opened.cancel(event);
    await Promise.all([opened.wait.serve(opened.tier), opened.wait.serve(opened.tier)]);
    const left = (await opened.queue.list(opened.tier, 100)).map(({ operationId }) => operationId);
    expect(left).toEqual(waiting.slice(at + 1).map(({ operationId }) => operationId));
    expect(await opened.queue.position(opened.tier, waiting[at + 1] ?? event)).toBe(1);
  }
});

test('a look at a queue costs the same however many wait: the place is told as far as it is counted', async () => {
  const opened = await openTier();
  const { queue, tier } = opened;
  const places = Array.from({ length: MOST_COUNTED + 5 }, (_, at) => ({
    ...{ operationId: `op_${at}`, graphId: 'kg', tenantId: 'acme', taskToken: 'token', enqueuedAt: AT },
    createdAt: new Date(Date.parse(AT) + at).toISOString(),
  }));
  await Promise.all(places.map((place) => queue.put(tier, place)));
  const positionAt = async (at: number) => queue.position(tier, places[at] as QueuePlace);
  expect(await positionAt(MOST_COUNTED - 2)).toBe(MOST_COUNTED - 1);
  expect(await positionAt(MOST_COUNTED + 4)).toBe(MOST_COUNTED);
  expect(await queue.count(tier, 7)).toBe(7);
});

test('a newcomer does not take the slot that somebody waits for', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  const newcomer = await opened.accept();
  for (const event of [one, two, waits]) await opened.take(event);
  // A slot is free, and the one that freed it has died before it served.
  await opened.instances.freeSlot(
    (await opened.graphs.get(one.graphId))?.placement ?? '',
    one.graphId,
    one.operationId,
  );
  await opened.take(newcomer);
  expect(await opened.queue.position(opened.tier, newcomer)).toBe(2);
  expect(await opened.queue.position(opened.tier, waits)).toBe(1);
  await opened.wait.serve(opened.tier);
  expect(await opened.queue.position(opened.tier, newcomer)).toBe(1);
});

test('the record of an operation that was undone does not come back by its turn', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  for (const event of [one, two, waits]) await opened.take(event);
  const item = await opened.first();
  await opened.cancel(waits);
  // A late run of the wait puts it back.
  await opened.queue.put(opened.tier, item);
  await opened.cancel(one);
  expect(await opened.graphs.get(waits.graphId)).toBeUndefined();
  expect(await opened.slots()).toHaveLength(1);
  expect(await opened.queue.count(opened.tier, 1)).toBe(0);
});

test('a run that dies after it took the slot of the first is carried on: the first is woken, and has one slot', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  for (const event of [one, two, waits]) await opened.take(event);
  const item = await opened.first();
  await opened.cancel(one);
  // It died before it removed the place in the queue.
  await opened.queue.put(opened.tier, item);
  opened.woken.length = 0;
  await opened.wait.serve(opened.tier);
  expect(opened.woken).toEqual([item.taskToken]);
  expect(await opened.slots()).toHaveLength(2);
  expect(await opened.queue.count(opened.tier, 1)).toBe(0);
});

test('one that has begun to wait anew is not forgotten by a run that woke its earlier wait', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  for (const event of [one, two, waits]) await opened.take(event);
  const item = await opened.first();
  await opened.queue.put(opened.tier, { ...item, taskToken: 'newer' });
  await opened.queue.remove(opened.tier, item, item.taskToken);
  expect(await opened.queue.list(opened.tier, 1)).toMatchObject([{ taskToken: 'newer', enqueuedAt: item.enqueuedAt }]);
});

test('a run of a wait that is late does not put its dead token in the place of the one that is waited by', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  for (const event of [one, two, waits]) await opened.take(event);
  const item = await opened.first();
  const enqueuedAt = new Date(Date.parse(item.enqueuedAt) - 1_000).toISOString();
  await opened.queue.put(opened.tier, { ...item, taskToken: 'dead', enqueuedAt });
  expect(await opened.first()).toEqual(item);
});

test('one that can not be put into the queue does not wait there: the step fails, and its workflow tries again', async () => {
  const opened = await openTier(1);
  const waits = await opened.accept();
  class BrokenQueue extends DynamoCapacityQueue {
    override async put(): Promise<void> {
      throw new Error('The table can not be written.');
    }
  }
  const wait = new CapacityWait({ ...opened.parts, queue: new BrokenQueue(table) });
  const last = await opened.operations.last(waits.operationId);
  await expect(wait.enter(last, graphRequestedBy(waits), 'token')).rejects.toThrow('The table can not be written.');
  expect((await opened.operations.get(waits.operationId)).status).toBe('accepted');
});

test('a wake that does not get through is made good by the next run, with the same slot', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  for (const event of [one, two, waits]) await opened.take(event);
  const { taskToken } = await opened.first();
  let calls = 0;
  const succeed = async () => {
    calls += 1;
    throw new Error('Step Functions can not be reached.');
  };
  const last = await opened.operations.last(one.operationId);
  await opened.operations.append(one.operationId, { type: 'succeeded', message: 'Done', result: {} }, last);
  const graph = await opened.graphs.get(one.graphId);
  if (graph !== undefined) await opened.parts.placement.freeSlot(graph);
  await expect(new CapacityWait({ ...opened.parts, tasks: { succeed } }).serve(opened.tier)).rejects.toThrow('reached');
  expect(calls).toBe(1);
  expect(await opened.queue.list(opened.tier, 10)).toHaveLength(1);
  await opened.wait.serve(opened.tier);
  expect(opened.woken).toEqual([taskToken]);
  expect(await opened.queue.list(opened.tier, 10)).toEqual([]);
  expect((await opened.slots()).map(([graphId]) => graphId).sort()).toEqual([two.graphId, waits.graphId].sort());
});

test('one that was woken by a wait that was over, and waits anew behind others without room, is woken by the schedule', async () => {
  const opened = await openTier(1);
  const [one, two, early] = await opened.acceptThree();
  const late = await opened.accept();
  for (const event of [one, two, late]) await opened.take(event);
  await opened.cancel(one);
  // The slot was taken for it; its workflow has given that wait up, and comes back later than one that is before it.
  expect(await opened.queue.list(opened.tier, 10)).toEqual([]);
  await opened.take(early);
  const last = await opened.operations.last(late.operationId);
  expect(await opened.wait.enter(last, graphRequestedBy(late), 'anew')).toEqual({ isFirst: false });
  opened.woken.length = 0;
  await opened.wait.serve(opened.tier);
  expect(opened.woken).toEqual([]);
  await opened.wait.wakeServed(opened.tier);
  expect(opened.woken).toEqual(['anew']);
  expect(await opened.queue.list(opened.tier, 10)).toMatchObject([{ operationId: early.operationId }]);
});

test('one that is served while it enters the queue is running, and not queued again', async () => {
  const opened = await openTier(1);
  const [one, two, waits] = await opened.acceptThree();
  for (const event of [one, two]) await opened.take(event);
  const last = await opened.operations.last(waits.operationId);
  const graph = await opened.graphs.create(graphRequestedBy(waits));
  /** It is in the queue and its log does not say so yet, when the slot comes and its workflow goes on. */
  class HeldUpQueue extends DynamoCapacityQueue {
    override async position(...place: Parameters<DynamoCapacityQueue['position']>) {
      await opened.cancel(one);
      await opened.operations.append(waits.operationId, { type: 'started', message: 'Slot taken' });
      return super.position(...place);
    }
  }
  await new CapacityWait({ ...opened.parts, queue: new HeldUpQueue(table) }).enter(last, graph, 'token');
  expect(opened.woken).toEqual(['token']);
  expect((await opened.operations.get(waits.operationId)).status).toBe('running');
});

test('however many in the queue are being undone, a run ends when its time is over', async () => {
  const opened = await openTier(1);
  const events = await Promise.all(Array.from({ length: 30 }, opened.accept));
  for (const event of events) await opened.take(event);
  for (const { operationId } of await opened.queue.list(opened.tier, 30)) {
    await opened.operations.append(operationId, { type: 'progress', status: 'cancelling', message: 'Cancelling' });
  }
  let looks = 0;
  class CountingLog extends OperationLog {
    override async find(operationId: string) {
      looks += 1;
      return super.find(operationId);
    }
  }
  const operations = new CountingLog(new DynamoOperationStore(table));
  const slowly = () => new Date(Date.parse(AT) + looks * 1_000);
  const slow = new CapacityWait({ ...opened.parts, operations }, slowly);
  await slow.serve(opened.tier, 3_000);
  expect(looks).toBeLessThan(10);
});
