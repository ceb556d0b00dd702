import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DynamoSubgraphStore } from '../../../domain/graph/dynamo-subgraph-store.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import { type GraphRequest, graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { subgraphQuotaOf } from '../../../domain/graph/subgraph.ts';
import { SubgraphPlaces } from '../../../domain/graph/subgraph-places.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const NAMES = ['reserve-subgraph', 'release-subgraph', 'activate-graph', 'deactivate-graph'] as const;
const QUOTA = subgraphQuotaOf('standard');

let harness: StepsOnTable<(typeof NAMES)[number]>;
let steps: typeof harness.steps;

beforeAll(async () => {
  harness = await stepsOnTable(NAMES);
  steps = harness.steps;
});

afterAll(() => harness.close());

const activeParent = async (own: Partial<Graph> = {}): Promise<Graph> => {
  const accepted = acceptedEvent();
  const parent: Graph = { ...graphRequestedBy(accepted), status: 'active', writer: null, placement: 'inst-1', ...own };
  return harness.graphs.create(parent);
};

/** A creation of a subgraph that was accepted. */
const creationIn = async ({ graphId: parentId }: Graph, name: string) => {
  const request: GraphRequest = { ...(acceptedEvent().request as GraphRequest), name, parentId };
  const event = acceptedEvent({ kind: 'subgraph.create', request });
  await harness.store.putEvent(event);
  return { operationId: event.operationId, graphId: event.graphId ?? '' };
};
type Creation = Awaited<ReturnType<typeof creationIn>>;

const subgraphsOf = async ({ graphId }: Graph) => (await harness.graphs.get(graphId))?.subgraphs;

const undo = async (input: Creation): Promise<void> => {
  await harness.log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await steps['deactivate-graph'](input);
  await steps['release-subgraph'](input);
  await harness.log.append(input.operationId, { type: 'failed', message: 'Failed', error });
};

describe('the quota of a graph', () => {
  test('raced by 20 creations at once is used up and not exceeded, and each place has its record', async () => {
    const parent = await activeParent();
    const creations = await Promise.all(Array.from({ length: 20 }, (_, at) => creationIn(parent, `n${at}`)));
    const ends = await Promise.allSettled(creations.map((input) => steps['reserve-subgraph'](input)));
    const refused = ends.filter((end) => end.status === 'rejected').map(({ reason }) => String(reason));
    expect(refused).toHaveLength(20 - QUOTA);
    for (const reason of refused) expect(reason).toContain('limit_reached');
    const places = Object.values((await subgraphsOf(parent)) ?? {});
    expect(places).toHaveLength(QUOTA);
    for (const graphId of places) expect(await harness.graphs.get(graphId)).toMatchObject({ parentId: parent.graphId });
  });

  test('has room again for one that was undone', async () => {
    const parent = await activeParent();
    const creations = await Promise.all(Array.from({ length: QUOTA }, (_, at) => creationIn(parent, `n${at}`)));
    for (const input of creations) await steps['reserve-subgraph'](input);
    const next = await creationIn(parent, 'next');
    await expect(steps['reserve-subgraph'](next)).rejects.toThrow(/limit_reached/);
    await undo(creations[0] as Creation);
    await steps['reserve-subgraph'](next);
    expect(Object.keys((await subgraphsOf(parent)) ?? {})).toContain('next');
  });
});

test('one name 20 times at once is one subgraph', async () => {
  const parent = await activeParent();
  const creations = await Promise.all(Array.from({ length: 20 }, () => creationIn(parent, 'one')));
  const ends = await Promise.allSettled(creations.map((input) => steps['reserve-subgraph'](input)));
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const end of ends) if (end.status === 'rejected') expect(String(end.reason)).toContain('conflict');
  const records = await Promise.all(creations.map(({ graphId }) => harness.graphs.get(graphId)));
  expect(records.filter((record) => record !== undefined)).toHaveLength(1);
});

test.each([
  ['provisioning', null, 'graph_not_ready'],
  ['suspended', null, 'payment_required'],
  ['deleting', null, 'graph_not_ready'],
  ['active', 'kgparent', 'conflict'],
] as const)('a parent that is %s and whose own parent is %s has no place: %s', async (status, parentId, code) => {
  const parent = await activeParent({ status, parentId });
  await expect(steps['reserve-subgraph'](await creationIn(parent, 'one'))).rejects.toThrow(new RegExp(code));
  expect(await subgraphsOf(parent)).toEqual({});
});

test('a parent that changes between the look and the write is looked at anew', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  harness.holdUp('UpdateItem', 'GRAPH#', () => harness.graphs.deactivate(parent.graphId, parent.createdBy));
  await expect(steps['reserve-subgraph'](input)).rejects.toThrow(/graph_not_ready/);
  expect(await subgraphsOf(parent)).toEqual({});
});

test('ReserveSubgraph that runs again has changed nothing', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  await steps['reserve-subgraph'](input);
  const before = [await harness.graphs.get(parent.graphId), await harness.graphs.get(input.graphId)];
  await steps['reserve-subgraph'](input);
  expect([await harness.graphs.get(parent.graphId), await harness.graphs.get(input.graphId)]).toEqual(before);
  expect(await harness.log.events(input.operationId, 0, 10)).toHaveLength(2);
});

test('ReserveSubgraph that comes after its undo takes nothing', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  await undo(input);
  await expect(steps['reserve-subgraph'](input)).rejects.toThrow(/operation_over/);
  expect(await subgraphsOf(parent)).toEqual({});
});

test('ReserveSubgraph that meets its undo on the way gives back what it took', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  harness.holdUp('UpdateItem', 'GRAPH#', () => undo(input));
  await expect(steps['reserve-subgraph'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await subgraphsOf(parent)).toEqual({});
  expect(await harness.graphs.get(input.graphId)).toBeUndefined();
});

test('ReserveSubgraph that comes after its subgraph was made, used and deleted leaves nothing', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  harness.holdUp('UpdateItem', 'GRAPH#', async () => {
    await harness.log.append(input.operationId, { type: 'started', message: 'Name taken' });
    await harness.log.append(input.operationId, { type: 'succeeded', message: 'Graph active', result: {} });
  });
  await expect(steps['reserve-subgraph'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await subgraphsOf(parent)).toEqual({});
  expect(await harness.graphs.get(input.graphId)).toBeUndefined();
});

test('an undo that comes late leaves a subgraph that is in use, and its place', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  await steps['reserve-subgraph'](input);
  const snapshot = newSnapshot(input.graphId, 1, { checksum: 'aa', bytes: 1 });
  await harness.graphs.publish(input.graphId, writerOf(input.operationId), snapshot);
  await steps['activate-graph'](input);
  await steps['release-subgraph'](input);
  expect(await subgraphsOf(parent)).toEqual({ one: input.graphId });
  expect(await harness.graphs.get(input.graphId)).toMatchObject({ status: 'active' });
});

test('a name that is taken is refused with the operation that is at work on it, while one is', async () => {
  const parent = await activeParent();
  const input = await creationIn(parent, 'one');
  await steps['reserve-subgraph'](input);
  const places = new SubgraphPlaces(harness.graphs, new DynamoSubgraphStore(harness.table), harness.log);
  const check = async () => {
    const graph = (await harness.graphs.get(parent.graphId)) as Graph;
    return places.check(graph, { parentId: parent.graphId, name: 'one', graphId: 'kgother' });
  };
  await expect(check()).rejects.toMatchObject({ code: 'conflict', operationId: input.operationId });
  await harness.log.append(input.operationId, { type: 'succeeded', message: 'Done', result: {} });
  await expect(check()).rejects.toMatchObject({ code: 'conflict', operationId: undefined });
});

test('a subgraph that was asked for before its parent moved to another tier is recorded on that', async () => {
  const parent = await activeParent({ tier: 'large' });
  const input = await creationIn(parent, 'one');
  await steps['reserve-subgraph'](input);
  expect(await harness.graphs.get(input.graphId)).toMatchObject({ parentId: parent.graphId, tier: 'large' });
});
