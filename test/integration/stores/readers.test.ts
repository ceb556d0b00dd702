import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { Refusal, Retryable } from '../../../domain/failure.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import type { Instance } from '../../../domain/fleet/instance.ts';
import { readOnTier } from '../../../domain/fleet/readers.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const GRAPH = { graphId: 'kg1', tier: 'large', placement: 'inst-large-1' } as const;

let table: ControlTableClient;
let close: () => Promise<void>;
let instances: DynamoInstanceStore;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());
beforeEach(async () => {
  await close();
  ({ table, close } = await startControlTable());
  instances = new DynamoInstanceStore(table);
  for (const number of [1, 2, 3]) await register(number);
});

const register = (number: number, tier: 'large' | 'xlarge' = 'large') =>
  instances.register(
    {
      instanceId: `inst-${tier}-${number}`,
      tier,
      endpoint: 'e',
      image: 'i',
      taskArn: 'task',
      capacity: 1,
      generation: 1,
    },
    AT,
  );
const drain = { owner: 'op_r.1', reason: 'A refresh', since: AT };
const place = { instanceId: 'inst-large-1', tier: 'large' } as const;

/** Reads, and tells who was asked. */
const read = async (failing: readonly string[], graph: Parameters<typeof readOnTier>[0] = GRAPH) => {
  const asked: string[] = [];
  const answer = await readOnTier(graph, instances, async ({ instanceId }: Instance) => {
    asked.push(instanceId);
    if (failing.includes(instanceId)) throw new Retryable('unavailable', 'It does not answer.', { delaySeconds: 2 });
    return instanceId;
  }).catch((error: unknown) => error);
  return { asked, answer };
};

test('a graph is read where it has its place, also while that drains', async () => {
  expect(await read([])).toEqual({ asked: ['inst-large-1'], answer: 'inst-large-1' });
  await new DynamoLeaseStore(table).beginDrain(place, drain);
  expect(await read([])).toEqual({ asked: ['inst-large-1'], answer: 'inst-large-1' });
});

test('while its instance is cycled it is read on another of the tier, always the same', async () => {
  const leases = new DynamoLeaseStore(table);
  await leases.beginDrain(place, drain);
  await leases.claimCycle(place, drain.owner);
  const first = await read([]);
  expect(['inst-large-2', 'inst-large-3']).toContain(first.answer);
  expect(await read([])).toEqual(first);
  const graphs = Array.from({ length: 20 }, (_, each) => ({ ...GRAPH, graphId: `kg${each}` }));
  const readers = await Promise.all(graphs.map(async (graph) => (await read([], graph)).answer));
  expect(new Set(readers).size).toBe(2);
});

test('one that does not answer has another read it, and only one', async () => {
  const { asked, answer } = await read(['inst-large-1']);
  expect(asked).toEqual(['inst-large-1', answer]);
  const none = await read(['inst-large-1', 'inst-large-2', 'inst-large-3']);
  expect(none.asked).toHaveLength(2);
  expect(none.answer).toMatchObject({ code: 'unavailable', delaySeconds: 5 });
});

test('an instance of another tier, or in quarantine, is not asked', async () => {
  await register(1, 'xlarge');
  for (const number of [2, 3]) {
    const instance = await instances.get(`inst-large-${number}`);
    if (instance) await instances.quarantineSilent(instance);
  }
  expect(await read(['inst-large-1'])).toMatchObject({ asked: ['inst-large-1'], answer: { code: 'unavailable' } });
});

test('with no other, one that was silent is asked: it may be back', async () => {
  const silent = [];
  for (const number of [1, 2, 3]) silent.push(await instances.get(`inst-large-${number}`));
  for (const instance of silent) if (instance) await instances.quarantineSilent(instance);
  expect(await read([])).toEqual({ asked: ['inst-large-1'], answer: 'inst-large-1' });
});

test('a graph whose instance is gone is read on another', async () => {
  expect((await read([], { ...GRAPH, placement: 'inst-large-9' })).answer).toMatch(/^inst-large-[123]$/);
});

test('what the query itself is refused for is answered, and not tried elsewhere', async () => {
  const asked: string[] = [];
  const refused = readOnTier(GRAPH, instances, async ({ instanceId }) => {
    asked.push(instanceId);
    throw new Refusal('query_failed', 'No such column.');
  });
  await expect(refused).rejects.toMatchObject({ code: 'query_failed' });
  expect(asked).toEqual(['inst-large-1']);
});

test('a query that took long to fail is not begun again elsewhere', async () => {
  const times = [0, 10_000];
  const asked: string[] = [];
  const failed = readOnTier(
    GRAPH,
    instances,
    async ({ instanceId }) => {
      asked.push(instanceId);
      throw new Retryable('unavailable', 'It does not answer.', { delaySeconds: 2 });
    },
    () => times.shift() ?? 10_000,
  );
  await expect(failed).rejects.toMatchObject({ code: 'unavailable', delaySeconds: 2 });
  expect(asked).toEqual(['inst-large-1']);
});
