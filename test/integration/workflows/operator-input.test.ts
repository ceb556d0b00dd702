import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoTierStore } from '../../../domain/fleet/dynamo-tier-store.ts';
import { DEFAULT_TIERS, type FleetTier } from '../../../domain/fleet/tier.ts';
import { askForGraph } from './machines/provision-graph.ts';
import { CAPACITY, openStage, type Stage } from './stage.ts';

const A_DAY_MS = 86_400_000;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
  const tiers = new DynamoTierStore(stage.table);
  for (const tier of DEFAULT_TIERS) if (tier.tier === 'standard') await tiers.put({ ...tier, approval: true });
});
afterAll(() => stage.close());

/** Asks for a graph and resolves once its workflow waits for an answer. */
const waiting = async (): Promise<string> => {
  const request = askForGraph();
  await stage.commands.accept(request);
  await stage.until(() => stage.faults.visited.get(request.operationId)?.includes('AwaitInput') === true);
  await stage.activity.settled();
  return request.operationId;
};

const answer = { type: 'progress', message: 'Answered: approve', answer: 'approve', actor: 'olga' } as const;

test('an answer that woke nobody, because whoever gave it died, is found by the reconciler', async () => {
  const operationId = await waiting();
  await stage.log.append(operationId, answer);
  await stage.invoke('reconcile-operations', {});
  await stage.finish(operationId);
  expect(await stage.log.last(operationId)).toMatchObject({ status: 'succeeded', attempt: 1 });
});

test('an operation waits for days, whatever the reconciler does, and goes on then', async () => {
  const operationId = await waiting();
  const later = stage.clock.now() + 3 * A_DAY_MS;
  while (stage.clock.nextAt !== undefined && stage.clock.nextAt < later) stage.clock.advanceTo(stage.clock.nextAt);
  await stage.invoke('reconcile-operations', {});
  expect(await stage.log.last(operationId)).toMatchObject({ status: 'queued', attempt: 1 });
  await stage.inputs.answer(operationId, 'approve', { actor: 'olga' });
  await stage.finish(operationId);
  expect((await stage.log.last(operationId)).status).toBe('succeeded');
});

test('an operation that nobody answers for a week is undone', async () => {
  const operationId = await waiting();
  await stage.finish(operationId);
  expect((await stage.log.last(operationId)).status).toBe('failed');
  expect((await stage.log.last(operationId)).error).toMatchObject({ message: 'Nobody answered within a week.' });
});

/** Leaves no room on the one instance of a tier, which may have so many. */
const fill = async (tier: FleetTier, maxInstances: number): Promise<void> => {
  const tiers = new DynamoTierStore(stage.table);
  for (const wanted of await tiers.list()) if (wanted.tier === tier) await tiers.put({ ...wanted, maxInstances });
  await stage.setCapacity(`inst-${tier}-1`, 0);
};

test('a place that was freed by somebody who died before he served the queue is given by the schedule', async () => {
  await fill('xlarge', 1);
  const { operationId, ...asked } = askForGraph({ tier: 'xlarge' });
  await stage.commands.accept({ operationId, ...asked });
  await stage.until(() => stage.faults.visited.get(operationId)?.includes('WaitForCapacity') === true);
  await stage.activity.settled();
  await stage.setCapacity('inst-xlarge-1', CAPACITY);
  await stage.invoke('serve-queues', {});
  await stage.finish(operationId);
  expect(await stage.log.last(operationId)).toMatchObject({ status: 'succeeded', attempt: 1 });
});

test('whoever waits for a place has an instance launched, and goes on when that registers, without any schedule', async () => {
  await fill('xlarge', 2);
  const request = askForGraph({ tier: 'xlarge' });
  await stage.commands.accept(request);
  await stage.finish(request.operationId);
  expect(await stage.log.last(request.operationId)).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect((await stage.graphs.get(request.graphId ?? ''))?.placement).toBe('inst-xlarge-2');
});

test('an operation for which there is no place for a week is undone, and says so', async () => {
  await fill('large', 1);
  const request = askForGraph({ tier: 'large' });
  await stage.commands.accept(request);
  await stage.finish(request.operationId);
  expect(await stage.log.last(request.operationId)).toMatchObject({ status: 'failed', error: { code: 'at_capacity' } });
});
