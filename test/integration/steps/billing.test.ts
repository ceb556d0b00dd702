import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoAccountStore } from '../../../domain/billing/dynamo-account-store.ts';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { DynamoGraphQuota } from '../../../domain/billing/dynamo-graph-quota.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import type { GraphRequest } from '../../../domain/graph/graph-request.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const SUBSCRIPTION = 'sub_1';
const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const STEPS = [
  'take-slot',
  'activate-graph',
  'deactivate-graph',
  'fail-subscription',
  'revoke-credits',
  'free-slot',
  'remove-graph',
] as const;

type Input = { operationId: string; graphId: string };
let on: StepsOnTable<(typeof STEPS)[number]>;
let store: typeof on.store;
let log: typeof on.log;
let graphs: typeof on.graphs;
let steps: typeof on.steps;
let accounts: DynamoAccountStore;
let credits: DynamoCreditStore;
let quota: DynamoGraphQuota;

beforeAll(async () => {
  on = await stepsOnTable(STEPS);
  ({ store, log, graphs, steps } = on);
  accounts = new DynamoAccountStore(on.table);
  credits = new DynamoCreditStore(on.table);
  quota = new DynamoGraphQuota(on.table);
  await on.instances.register(
    {
      instanceId: 'inst-1',
      tier: 'standard',
      endpoint: 'http://x',
      image: 'i',
      taskArn: 't',
      capacity: 100,
      generation: 1,
    },
    AT,
  );
});
afterAll(() => on.close());

let count = 0;
/** A subscription whose graph is to be made, as far as its operation is accepted. */
const accepted = async (maxGraphs?: number): Promise<Input & { tenantId: string }> => {
  count += 1;
  const tenantId = `tenant-${count}`;
  const event = acceptedEvent({ tenantId });
  const request: GraphRequest = {
    ...(event.request as GraphRequest),
    subscriptionId: SUBSCRIPTION,
    ...(maxGraphs !== undefined && { maxGraphs }),
  };
  const { operationId, graphId } = event;
  await store.putEvent({ ...event, request });
  await accounts.open(tenantId, SUBSCRIPTION);
  await accounts.begin(tenantId, SUBSCRIPTION, { attempt: 1, operationId, graphId: graphId ?? '' });
  return { operationId, graphId: graphId ?? '', tenantId };
};

const built = async () => {
  const { tenantId, ...input } = await accepted();
  await steps['take-slot'](input);
  const snapshot = newSnapshot(input.graphId, 1, { checksum: 'aa', bytes: 1 });
  await graphs.publish(input.graphId, writerOf(input.operationId), snapshot);
  return { tenantId, input };
};

const billed = async (tenantId: string, { graphId }: Input) => ({
  credits: await credits.get(tenantId, graphId),
  subscription: (await accounts.get(tenantId)).subscriptions[0]?.provisioning.status,
  graph: (await graphs.get(graphId))?.status,
});

const undo = async (input: Input) => {
  for (const name of ['deactivate-graph', 'fail-subscription', 'revoke-credits'] as const) await steps[name](input);
};

test('ActivateGraph run twice, even at once, allocates once', async () => {
  const { tenantId, input } = await built();
  const runs = await Promise.allSettled([steps['activate-graph'](input), steps['activate-graph'](input)]);
  expect(runs.some(({ status }) => status === 'fulfilled')).toBe(true);
  expect(await billed(tenantId, input)).toEqual({
    credits: { graphId: input.graphId, allocated: 1_000, balance: 1_000 },
    subscription: 'active',
    graph: 'active',
  });
});

test('what ActivateGraph did, in whole or in part, is undone with the reason', async () => {
  for (const done of ['credits', 'subscription', 'graph'] as const) {
    const { tenantId, input } = await built();
    await credits.allocate(tenantId, input.graphId, { key: input.operationId, amount: 1_000 });
    if (done !== 'credits') await accounts.activate(tenantId, SUBSCRIPTION, input.operationId);
    if (done === 'graph') await graphs.activate(input.graphId, writerOf(input.operationId));
    await log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
    await undo(input);
    await undo(input);
    expect(await billed(tenantId, input)).toEqual({
      credits: undefined,
      subscription: 'failed',
      graph: 'provisioning',
    });
    expect((await accounts.get(tenantId)).subscriptions[0]?.provisioning.reason).toBe('It broke');
  }
});

test('ActivateGraph that is overtaken by its undo brings neither credits nor subscription nor graph back', async () => {
  const { tenantId, input } = await built();
  // Its run has read the log before the undo; each of its writes comes after.
  await log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await undo(input);
  await expect(
    credits.allocate(tenantId, input.graphId, { key: input.operationId, amount: 1_000 }),
  ).rejects.toMatchObject({ name: 'Terminal' });
  expect(await accounts.activate(tenantId, SUBSCRIPTION, input.operationId)).toBe(false);
  expect(await graphs.activate(input.graphId, writerOf(input.operationId))).toBe(false);
  await expect(steps['activate-graph'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await billed(tenantId, input)).toEqual({ credits: undefined, subscription: 'failed', graph: 'provisioning' });
});

test('TakeSlot counts the graph among the tenant’s, once, and its undo counts it no more', async () => {
  const { tenantId, ...input } = await accepted(1);
  await steps['take-slot'](input);
  await steps['take-slot'](input);
  expect(await quota.count(tenantId)).toBe(1);
  await log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await steps['free-slot'](input);
  await steps['remove-graph'](input);
  await steps['remove-graph'](input);
  expect(await quota.count(tenantId)).toBe(0);
});

test('TakeSlot refuses a graph more than the plan allows, and takes nothing for it', async () => {
  const { tenantId, ...input } = await accepted(1);
  await quota.admit(tenantId, 'kgother', 1);
  await expect(steps['take-slot'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await graphs.get(input.graphId)).toBeUndefined();
  expect(await quota.count(tenantId)).toBe(1);
});

test('TakeSlot that is late for an undone operation leaves nothing counted', async () => {
  const { tenantId, ...input } = await accepted(10);
  await log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await expect(steps['take-slot'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await quota.count(tenantId)).toBe(0);
});

test('of many graphs at once no more are counted than the plan allows', async () => {
  const admitted = await Promise.all(Array.from({ length: 20 }, (_, at) => quota.admit('many-at-once', `kg${at}`, 7)));
  expect(admitted.filter(Boolean)).toHaveLength(7);
  expect(await quota.count('many-at-once')).toBe(7);
});
