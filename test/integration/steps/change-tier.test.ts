import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { DynamoTierStore } from '../../../domain/fleet/dynamo-tier-store.ts';
import type { FleetTier, Tier } from '../../../domain/fleet/tier.ts';
import { DynamoGraphMoveStore } from '../../../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { DynamoSubgraphStore } from '../../../domain/graph/dynamo-subgraph-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import type { MovingGraph } from '../../../domain/graph/graph-move.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const NAMES = [
  'take-tier-slot',
  'dispatch-job',
  'switch-tier',
  'switch-tier-back',
  'drop-spare-database',
  'free-spare-slot',
  'finish-tier-change',
] as const;
const AT = '2026-01-01T00:00:00.000Z';
const LARGE: Tier = { tier: 'large', minInstances: 0, maxInstances: 10, capacity: 20 };
const error = { code: 'internal', message: 'It broke', retryable: true } as const;

let on: StepsOnTable<(typeof NAMES)[number]>;
beforeAll(async () => {
  on = await stepsOnTable(NAMES);
});
afterAll(() => on.close());

/** Each test has tiers of its own, with one instance for one graph each, and a graph on the first of them. */
let count = 0;
let standard: FleetTier;
let large: FleetTier;
let old: string;
let next: string;
let graphId: string;
let createdBy: string;
beforeEach(async () => {
  count += 1;
  [standard, large] = [`standard${count}`, `large${count}`] as unknown as [FleetTier, FleetTier];
  [old, next] = [`inst-${standard}`, `inst-${large}`];
  await register(old, standard);
  await register(next, large);
  const accepted = acceptedEvent();
  createdBy = accepted.operationId;
  const graph = await on.graphs.create({ ...graphRequestedBy(accepted), tier: standard, placement: old });
  graphId = graph.graphId;
  await on.instances.takeSlot(old, graphId, createdBy);
  await on.graphs.publish(graphId, writerOf(createdBy), newSnapshot(graphId, 1, { checksum: 'aa', bytes: 1 }));
  await on.graphs.activate(graphId, writerOf(createdBy));
});

const register = (instanceId: string, tier: FleetTier) =>
  on.instances.register(
    { instanceId, tier, endpoint: 'http://127.0.0.1:1', image: 'i', taskArn: 't', capacity: 1, generation: 1 },
    AT,
  );

const begin = async (tier = large) => {
  const event = acceptedEvent({ kind: 'graph.change_tier', graphId, request: { graphId, tier } });
  await on.store.putEvent(event);
  return { operationId: event.operationId, graphId };
};

const undoing = (operationId: string) =>
  on.log.append(operationId, { type: 'compensating', message: 'Undoing', error });

type Input = Awaited<ReturnType<typeof begin>>;

const undo = async (input: Input) => {
  await on.steps['switch-tier-back'](input);
  await on.steps['drop-spare-database']({ ...input, moveIs: 'abandoned' });
  await on.steps['free-spare-slot']({ ...input, moveIs: 'abandoned' });
};

const finish = async (input: Input) => {
  await on.steps['drop-spare-database']({ ...input, moveIs: 'switched' });
  await on.steps['free-spare-slot']({ ...input, moveIs: 'switched' });
  await on.steps['finish-tier-change'](input);
};

const state = async () => {
  const graph = await on.graphs.get(graphId);
  const [slots, nextSlots] = [await on.instances.readSlots(old), await on.instances.readSlots(next)];
  for (const instanceId of [old, next]) {
    const held = Object.keys(await on.instances.readSlots(instanceId)).length;
    expect((await on.instances.get(instanceId))?.used).toBe(held);
  }
  return {
    tier: graph?.tier,
    placement: graph?.placement,
    move: graph?.move?.state ?? null,
    old: slots[graphId],
    next: nextSlots[graphId],
  };
};

const unmoved = () => ({ tier: standard, placement: old, move: null, old: createdBy, next: undefined });
const movedBy = ({ operationId }: Input) => ({
  tier: large,
  placement: next,
  move: null,
  old: undefined,
  next: operationId,
});

describe('a move', () => {
  test('ends with one slot, on the new tier, and each of its steps may run twice', async () => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    await on.steps['take-tier-slot'](input);
    expect(await state()).toEqual({ ...unmoved(), move: 'preparing', next: input.operationId });
    await on.steps['switch-tier'](input);
    await on.steps['switch-tier'](input);
    expect(await state()).toEqual({ ...movedBy(input), move: 'switched', old: createdBy });
    await finish(input);
    await finish(input);
    expect(await state()).toEqual(movedBy(input));
    expect(await on.log.last(input.operationId)).toMatchObject({
      status: 'succeeded',
      result: { graphId, tier: large },
    });
  });

  test('waits for no claim of an operation that is over, and is refused by one that is not', async () => {
    const load = acceptedEvent({ kind: 'graph.materialize', graphId });
    await on.store.putEvent(load);
    await new DynamoGraphWriterStore(on.table).claim(graphId, null, writerOf(load.operationId));
    const input = await begin();
    await expect(on.steps['take-tier-slot'](input)).rejects.toThrow(load.operationId);
    expect(await state()).toEqual(unmoved());

    await on.log.append(load.operationId, { type: 'failed', message: 'Failed', error });
    await on.steps['take-tier-slot'](input);
    expect(await state()).toEqual({ ...unmoved(), move: 'preparing', next: input.operationId });
    expect((await on.graphs.get(graphId))?.writer).toBeNull();
  });

  test('can be followed by another, which frees the slot that the first one took', async () => {
    const first = await begin();
    await on.steps['take-tier-slot'](first);
    await on.steps['switch-tier'](first);
    await finish(first);
    const second = await begin(standard);
    await on.steps['take-tier-slot'](second);
    await on.steps['switch-tier'](second);
    await finish(second);
    expect(await state()).toEqual({ ...unmoved(), old: second.operationId });
  });

  test.each(['before the switch', 'after the switch'])('that is undone %s leaves the graph as it was', async (when) => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    if (when === 'after the switch') {
      const moves = new DynamoGraphMoveStore(on.table);
      const graph = await on.graphs.get(graphId);
      if (graph?.move == null) throw new Error('The graph does not move.');
      await moves.switchOver({ ...graph, move: graph.move });
      expect(await state()).toMatchObject({ tier: large, placement: next });
    }
    await undoing(input.operationId);
    await undo(input);
    expect(await state()).toEqual(unmoved());
    await undo(input);
    expect(await state()).toEqual(unmoved());
  });

  test('for which there is no room leaves the graph as it was', async () => {
    await on.instances.takeSlot(next, 'kgother', 'op_other');
    const input = await begin();
    await expect(on.steps['take-tier-slot'](input)).rejects.toThrow(/at_capacity/);
    await undoing(input.operationId);
    await undo(input);
    expect(await state()).toMatchObject(unmoved());
  });

  test('does not switch a graph that is not active any more', async () => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    await on.graphs.deactivate(graphId, createdBy);
    await expect(on.steps['switch-tier'](input)).rejects.toThrow(/graph_not_ready/);
    await undoing(input.operationId);
    await undo(input);
    expect(await state()).toEqual(unmoved());
  });
});

describe('a graph', () => {
  test('has one move at a time: the second hears whose the first is', async () => {
    const [first, second] = [await begin(), await begin()];
    await on.steps['take-tier-slot'](first);
    await expect(on.steps['take-tier-slot'](second)).rejects.toThrow(new RegExp(`conflict.*${first.operationId}`));
    await undoing(second.operationId);
    await undo(second);
    expect(await state()).toEqual({ ...unmoved(), move: 'preparing', next: first.operationId });
  });

  test('that is on the tier already is not moved', async () => {
    const input = await begin(standard);
    await expect(on.steps['take-tier-slot'](input)).rejects.toMatchObject({ name: 'PastNoReturn' });
    await finish(input);
    expect(await state()).toEqual(unmoved());
    expect((await on.log.last(input.operationId)).status).toBe('succeeded');
  });

  test('whose move switched and was not finished is moved on by the next, and no slot is left', async () => {
    const first = await begin();
    await on.steps['take-tier-slot'](first);
    await on.steps['switch-tier'](first);
    await on.log.append(first.operationId, { type: 'failed', message: 'Stopped', error });
    const second = await begin(standard);
    await on.steps['take-tier-slot'](second);
    await on.steps['switch-tier'](second);
    await finish(second);
    expect(await state()).toEqual({ ...unmoved(), old: second.operationId });
  });
});

describe('a move to a tier that an operator has to agree to', () => {
  const answered = async (answer: string) => {
    await new DynamoTierStore(on.table).put({ ...LARGE, approval: true });
    const input = await begin('large');
    await expect(on.steps['take-tier-slot'](input)).rejects.toMatchObject({ name: 'WaitingForInput' });
    expect(await state()).toEqual(unmoved());
    await on.log.append(input.operationId, { type: 'progress', message: 'Answered', answer });
    return on.steps['take-tier-slot'](input);
  };

  test('goes on when the answer is yes', async () => {
    await expect(answered('approve')).rejects.toMatchObject({ name: 'WaitingForCapacity' });
    expect((await state()).move).toBe('preparing');
  });

  test('ends when the answer is no, and takes nothing', async () => {
    await expect(answered('reject')).rejects.toMatchObject({ name: 'Refusal' });
    expect(await state()).toEqual(unmoved());
  });
});

describe('a run that is late', () => {
  /** The step has seen the log go forward; before it looks at the graph, something else happens. */
  const heldUp = (name: 'take-tier-slot' | 'switch-tier', input: Input, meanwhile: () => Promise<unknown>) => {
    on.holdUp('GetItem', 'GRAPH#', meanwhile);
    return on.steps[name](input);
  };

  test.each(['room', 'no room'])('TakeTierSlot after the operation was undone takes nothing (%s)', async (room) => {
    const input = await begin();
    if (room === 'no room') await on.instances.takeSlot(next, 'kgother', 'op_other');
    const late = heldUp('take-tier-slot', input, async () => {
      await undoing(input.operationId);
      await undo(input);
      await on.log.append(input.operationId, { type: 'failed', message: 'Failed', error });
    });
    await expect(late).rejects.toThrow(room === 'room' ? /operation_over/ : /at_capacity/);
    expect(await state()).toMatchObject(unmoved());
  });

  test('SwitchTier after the undo has begun does not switch, or switches back', async () => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    const late = heldUp('switch-tier', input, () => undoing(input.operationId));
    await expect(late).rejects.toMatchObject({ name: 'Refusal' });
    await undo(input);
    expect(await state()).toEqual(unmoved());
  });

  test('SwitchTier after SwitchTierBack can not switch', async () => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    const late = heldUp('switch-tier', input, async () => {
      await undoing(input.operationId);
      await on.steps['switch-tier-back'](input);
    });
    await expect(late).rejects.toMatchObject({ name: 'Refusal' });
    await undo(input);
    expect(await state()).toEqual(unmoved());
  });

  test('TakeTierSlot or SwitchTier of a move that has switched goes on behind its point of no return', async () => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    await on.steps['switch-tier'](input);
    for (const name of ['take-tier-slot', 'dispatch-job', 'switch-tier'] as const) {
      const again = {
        ...input,
        beforeNoReturn: true,
        kind: 'load-snapshot',
        taskToken: 'token',
        enteredAt: AT,
        retry: 0,
        isAgain: false,
      };
      await expect(on.steps[name](again)).rejects.toMatchObject({ name: 'PastNoReturn' });
    }
    await finish(input);
    await expect(on.steps['take-tier-slot'](input)).rejects.toThrow(/operation_over/);
    expect(await state()).toEqual(movedBy(input));
  });

  test('undo of a move that has switched and gone on changes nothing', async () => {
    const input = await begin();
    await on.steps['take-tier-slot'](input);
    await on.steps['switch-tier'](input);
    await on.steps['drop-spare-database']({ ...input, moveIs: 'abandoned' });
    await on.steps['free-spare-slot']({ ...input, moveIs: 'abandoned' });
    expect(await state()).toMatchObject({ tier: large, old: createdBy, next: input.operationId });
  });
});

test('an operation that is being cancelled does not come past its point of no return', async () => {
  const input = await begin();
  await on.steps['take-tier-slot'](input);
  on.holdUp('UpdateItem', 'GRAPH#', () =>
    on.log.append(input.operationId, { type: 'progress', status: 'cancelling', message: 'Cancelling' }),
  );
  await expect(on.steps['switch-tier'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await on.log.last(input.operationId)).toMatchObject({ status: 'cancelling', cancellable: true });
  expect(await state()).toEqual(unmoved());
  await undo(input);
  expect(await state()).toEqual(unmoved());
});

describe('the credits of a graph', () => {
  const finished = async (tier: FleetTier) => {
    const event = acceptedEvent({ kind: 'graph.change_tier', graphId, request: { graphId, tier } });
    await on.store.putEvent(event);
    await on.log.append(event.operationId, { type: 'started', message: 'Started' });
    const input = { operationId: event.operationId, graphId };
    await on.steps['finish-tier-change'](input);
    return input;
  };

  test('are those of the tier that it is on, and what was spent stays spent', async () => {
    const credits = new DynamoCreditStore(on.table);
    await credits.allocate('acme', graphId, { key: createdBy, amount: 1_000 });
    await credits.consume('acme', graphId, { key: 'k', amount: 900 });
    const up = await finished('large');
    await on.steps['finish-tier-change'](up);
    expect(await credits.get('acme', graphId)).toEqual({ graphId, allocated: 5_000, balance: 4_100 });
    await credits.consume('acme', graphId, { key: 'k2', amount: 1_000 });
    await finished('standard');
    expect(await credits.get('acme', graphId)).toEqual({ graphId, allocated: 1_000, balance: 0 });
    // A run that is late changes nothing.
    await on.steps['finish-tier-change'](up).catch(() => undefined);
    expect(await credits.get('acme', graphId)).toEqual({ graphId, allocated: 1_000, balance: 0 });
    await finished('large');
    expect(await credits.get('acme', graphId)).toEqual({ graphId, allocated: 5_000, balance: 3_100 });
  });
});

describe('a move to a tier that allows fewer subgraphs', () => {
  const addSubgraphs = async (names: readonly string[]) => {
    const graph = await on.graphs.get(graphId);
    const subgraphs = new DynamoSubgraphStore(on.table);
    for (const name of names) {
      const added = { ...graph, tier: 'large' as const, graphId } as Parameters<typeof subgraphs.reserve>[0];
      expect(await subgraphs.reserve(added, { parentId: graphId, name, graphId: `kg${name}` })).toBe(true);
    }
  };
  const onLarge = async () => {
    const accepted = acceptedEvent();
    const graph = await on.graphs.create({ ...graphRequestedBy(accepted), tier: 'large', placement: old });
    ({ graphId } = graph);
    createdBy = accepted.operationId;
    await on.graphs.publish(graphId, writerOf(createdBy), newSnapshot(graphId, 1, { checksum: 'aa', bytes: 1 }));
    await on.graphs.activate(graphId, writerOf(createdBy));
  };

  test('is refused when there are more already, and takes nothing', async () => {
    await onLarge();
    await addSubgraphs(['a', 'b', 'c', 'd', 'e', 'f']);
    const input = await begin('standard');
    await expect(on.steps['take-tier-slot'](input)).rejects.toThrow(/limit_reached/);
    expect((await on.graphs.get(graphId))?.move).toBeNull();
  });

  test('is refused at its switch when there came to be more meanwhile', async () => {
    await onLarge();
    await addSubgraphs(['a', 'b', 'c', 'd', 'e']);
    const input = await begin('standard');
    await register(`inst-${graphId}`, 'standard');
    await on.steps['take-tier-slot'](input);
    await addSubgraphs(['f']);
    await expect(on.steps['switch-tier'](input)).rejects.toThrow(/limit_reached/);
    expect(await on.graphs.get(graphId)).toMatchObject({ tier: 'large', move: { state: 'preparing' } });
    // And by the condition itself, for whoever had read it before.
    const graph = (await on.graphs.get(graphId)) as MovingGraph;
    expect(await new DynamoGraphMoveStore(on.table).switchOver(graph)).toBe(false);
  });
});

test('the subgraphs of a graph that has moved are recorded on its tier, and no other graph is', async () => {
  const moved = await on.graphs.create({ ...graphRequestedBy(acceptedEvent()), tier: 'large', status: 'active' });
  const made = acceptedEvent();
  const subgraph = await on.graphs.create({ ...graphRequestedBy(made), parentId: moved.graphId });
  const place = { parentId: moved.graphId, name: 'one', graphId: subgraph.graphId };
  expect(await new DynamoSubgraphStore(on.table).reserve(moved, place)).toBe(true);
  const { operationId } = acceptedEvent();
  const request = { graphId: moved.graphId, tier: 'large' };
  await on.store.putEvent(
    acceptedEvent({ operationId, kind: 'graph.change_tier', graphId: moved.graphId, status: 'running', request }),
  );
  await on.steps['finish-tier-change']({ operationId, graphId: moved.graphId });
  expect((await on.graphs.get(subgraph.graphId))?.tier).toBe('large');
  const other = await on.graphs.create(graphRequestedBy(acceptedEvent()));
  await on.graphs.followTier(other.graphId, moved);
  expect((await on.graphs.get(other.graphId))?.tier).toBe('standard');
});
