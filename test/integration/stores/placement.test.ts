import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import type { InstanceRegistration } from '../../../domain/fleet/instance.ts';
import { Placement } from '../../../domain/fleet/placement.ts';
import type { FleetTier } from '../../../domain/fleet/tier.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const AT = '2026-01-01T00:00:00.000Z';

let instances: DynamoInstanceStore;
let graphs: DynamoGraphStore;
let queue: DynamoCapacityQueue;
let placement: Placement;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  instances = new DynamoInstanceStore(started.table);
  graphs = new DynamoGraphStore(started.table);
  queue = new DynamoCapacityQueue(started.table);
  placement = new Placement(instances, graphs, queue);
});

afterAll(() => close());

/** Each test has a tier of its own, so that it has its instances for itself. */
let tier: FleetTier;
let count = 0;
beforeEach(() => {
  count += 1;
  tier = `tier${count}` as FleetTier;
});

const registration = (name: string, own: Partial<InstanceRegistration> = {}): InstanceRegistration => ({
  instanceId: `${tier}-${name}`,
  tier,
  endpoint: 'http://127.0.0.1:1',
  image: 'sha256:one',
  taskArn: 'task-1',
  capacity: 10,
  generation: 1,
  ...own,
});

const newGraph = (): Graph => ({ ...graphRequestedBy(acceptedEvent()), tier });

const held = async (name: string) => {
  const instance = await instances.get(`${tier}-${name}`);
  const slots = await instances.readSlots(`${tier}-${name}`);
  expect(instance?.used).toBe(Object.keys(slots).length);
  return Object.keys(slots);
};

describe('an instance', () => {
  test('registers again without losing its slots, state or generation', async () => {
    await instances.register(registration('a'), AT);
    await instances.takeSlot(`${tier}-a`, 'kg1', 'op_1');
    const again = await instances.register(
      registration('a', { taskArn: 'task-2', endpoint: 'http://127.0.0.1:2' }),
      AT,
    );
    expect(again).toMatchObject({ used: 1, state: 'ACTIVE', generation: 1, endpoint: 'http://127.0.0.1:2' });
    expect(await held('a')).toEqual(['kg1']);
  });

  test('that was replaced learns it from its heartbeat', async () => {
    await instances.register(registration('a'), AT);
    expect(await instances.heartbeat(`${tier}-a`, 'task-1', AT)).toBe(true);
    await instances.register(registration('a', { taskArn: 'task-2' }), AT);
    expect(await instances.heartbeat(`${tier}-a`, 'task-1', AT)).toBe(false);
  });
});

describe('placement', () => {
  test('takes the least used instance', async () => {
    await instances.register(registration('full'), AT);
    await instances.register(registration('empty'), AT);
    for (let slot = 0; slot < 3; slot += 1) await instances.takeSlot(`${tier}-full`, `kg${slot}`, 'op_other');
    expect((await placement.takeSlot(newGraph())).placement).toBe(`${tier}-empty`);
  });

  test('40 at once on 3 instances of 10 slots: 30 are placed, none twice, and the rest hear that there is no room', async () => {
    for (const name of ['a', 'b', 'c']) await instances.register(registration(name), AT);
    const wanted = Array.from({ length: 40 }, newGraph);
    // A lost race is answered as "no room now" and tried again, as the workflow does.
    const place = async (graph: Graph, tries = 30): Promise<string | null | undefined> => {
      try {
        return (await placement.takeSlot(graph)).placement;
      } catch {
        return tries === 0 ? undefined : place(graph, tries - 1);
      }
    };
    const placed = await Promise.all(wanted.map((graph) => place(graph, 2)));
    expect(placed.filter((placed) => typeof placed === 'string')).toHaveLength(30);
    const slots = [...(await held('a')), ...(await held('b')), ...(await held('c'))];
    expect(slots).toHaveLength(30);
    expect(new Set(slots).size).toBe(30);
  });

  test('run twice, even at once, takes one slot', async () => {
    for (const name of ['a', 'b']) await instances.register(registration(name), AT);
    const graph = newGraph();
    const [one, two] = await Promise.all([placement.takeSlot(graph), placement.takeSlot(graph)]);
    expect(one.placement).toBe(two.placement);
    expect((await placement.takeSlot(graph)).placement).toBe(one.placement);
    expect([...(await held('a')), ...(await held('b'))]).toEqual([graph.graphId]);
  });

  test('two runs at once, one of which has to move on, end with the one slot that the record names', async () => {
    await instances.register(registration('full', { capacity: 1 }), AT);
    await instances.takeSlot(`${tier}-full`, 'kgother', 'op_other');
    const graph = await graphs.create({ ...newGraph(), placement: `${tier}-full` });
    await instances.register(registration('free'), AT);
    // One run finds its instance full; before it moves on, the slot there is freed and a second run takes it.
    const racing = new Placement(
      Object.assign(Object.create(instances), {
        listByTier: (...asked: Parameters<typeof instances.listByTier>) => instances.listByTier(...asked),
        takeSlot: async (...asked: Parameters<typeof instances.takeSlot>) => {
          const taken = await instances.takeSlot(...asked);
          if (!taken) {
            await instances.freeSlot(`${tier}-full`, 'kgother', 'op_other');
            await instances.takeSlot(...asked);
          }
          return taken;
        },
        freeSlot: (...asked: Parameters<typeof instances.freeSlot>) => instances.freeSlot(...asked),
      }) as DynamoInstanceStore,
      graphs,
      queue,
    );
    expect((await racing.takeSlot(graph)).placement).toBe(`${tier}-free`);
    expect(await held('full')).toEqual([]);
    expect(await held('free')).toEqual([graph.graphId]);
  });

  test('a run that took a slot which the record does not name any more gives it back', async () => {
    await instances.register(registration('a'), AT);
    await instances.register(registration('b'), AT);
    const graph = await graphs.create({ ...newGraph(), placement: `${tier}-a` });
    const overtaken = new Placement(
      instances,
      Object.assign(Object.create(graphs), {
        create: async () => {
          await graphs.place(graph.graphId, `${tier}-a`, `${tier}-b`);
          return graph;
        },
        get: (graphId: string) => graphs.get(graphId),
      }) as DynamoGraphStore,
      queue,
    );
    await expect(overtaken.takeSlot(graph)).rejects.toMatchObject({ name: 'Retryable' });
    expect(await held('a')).toEqual([]);
  });

  test('a crash between the record and the slot is healed by the next run, on the same instance', async () => {
    for (const name of ['a', 'b']) await instances.register(registration(name), AT);
    const graph = newGraph();
    await graphs.create({ ...graph, placement: `${tier}-b` });
    expect((await placement.takeSlot(graph)).placement).toBe(`${tier}-b`);
  });

  test('a slot is freed once, and only by the operation that took it', async () => {
    await instances.register(registration('a'), AT);
    const graph = await placement.takeSlot(newGraph());
    await instances.freeSlot(`${tier}-a`, graph.graphId, 'op_another');
    expect(await held('a')).toEqual([graph.graphId]);
    await placement.freeSlot(graph);
    await placement.freeSlot(graph);
    expect(await held('a')).toEqual([]);
  });

  test('without any instance is refused as something to wait for', async () => {
    await expect(placement.takeSlot(newGraph())).rejects.toMatchObject({
      name: 'WaitingForCapacity',
      code: 'at_capacity',
    });
  });
});

describe('the snapshot pointer', () => {
  const file = (checksum: string) => ({ checksum, bytes: 10 });

  test('moves from version to version only, and only for the writer', async () => {
    const graph = await graphs.create(newGraph());
    const writer = graph.writer ?? '';
    const first = newSnapshot(graph.graphId, 1, file('aa'));
    expect(await graphs.publish(graph.graphId, 'op_zombie.1', first)).toBeUndefined();
    expect(await graphs.publish(graph.graphId, writer, newSnapshot(graph.graphId, 2, file('bb')))).toBeUndefined();
    expect(await graphs.publish(graph.graphId, writer, first)).toEqual(first);
    expect((await graphs.get(graph.graphId))?.snapshot).toEqual(first);
  });

  test('published twice by the same writer is the first, however different the second file is', async () => {
    const graph = await graphs.create(newGraph());
    const first = newSnapshot(graph.graphId, 1, file('aa'));
    await graphs.publish(graph.graphId, graph.writer ?? '', first);
    expect(await graphs.publish(graph.graphId, graph.writer ?? '', newSnapshot(graph.graphId, 1, file('bb')))).toEqual(
      first,
    );
  });

  test('a graph is activated with a snapshot only, and then nobody can publish it any more', async () => {
    const graph = await graphs.create(newGraph());
    const writer = graph.writer ?? '';
    expect(await graphs.activate(graph.graphId, writer)).toBe(false);
    await graphs.publish(graph.graphId, writer, newSnapshot(graph.graphId, 1, file('aa')));
    expect(await graphs.activate(graph.graphId, writer)).toBe(true);
    expect(await graphs.activate(graph.graphId, writer)).toBe(true);
    expect(await graphs.publish(graph.graphId, writer, newSnapshot(graph.graphId, 2, file('bb')))).toBeUndefined();
  });

  test('a record is removed by the operation that created it only', async () => {
    const graph = await graphs.create(newGraph());
    await graphs.remove(graph.graphId, 'op_another');
    expect(await graphs.get(graph.graphId)).toBeDefined();
    await graphs.remove(graph.graphId, graph.createdBy);
    expect(await graphs.get(graph.graphId)).toBeUndefined();
  });
});
