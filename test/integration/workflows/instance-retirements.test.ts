import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { operationIdFor } from '../../../domain/identifier.ts';
import type { OperationRequest } from '../../../domain/operation/operation-commands.ts';
import { drainOwnerOf } from '../../../domain/refresh/instance-refresh.ts';
import { inconsistencies } from '../../fixtures/consistency.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { askForGraph } from './machines/provision-graph.ts';
import { askForRetirement } from './machines/retire-instance.ts';
import { CAPACITY, openStage, type Stage } from './stage.ts';

const OTHER = 'inst-large-1';
const AT = '2026-01-01T00:00:00.000Z';

let stage: Stage;
let restore: () => Promise<void>;

beforeAll(async () => {
  stage = await openStage();
  restore = await stage.keep();
});
afterAll(() => stage.close());
afterEach(() => restore());

type Retirement = Awaited<ReturnType<typeof askForRetirement>>;

const endOf = async ({ operationId }: OperationRequest) => {
  await stage.finish(operationId);
  return stage.log.last(operationId);
};
const run = async (asked: OperationRequest) => {
  await stage.commands.accept(asked);
  return endOf(asked);
};
const comeTo = ({ operationId }: OperationRequest, state: string) =>
  stage.until(() => stage.faults.visited.get(operationId)?.includes(state) ?? false);

/** A graph on the instance that is to be retired: the other has no room at first. */
const makeGraphOn = async ({ request }: Retirement): Promise<string> => {
  await stage.setCapacity(OTHER, 0);
  const asked = askForGraph({ tier: 'large' });
  expect(await run(asked)).toMatchObject({ status: 'succeeded' });
  const graphId = asked.graphId ?? '';
  expect((await stage.graphs.get(graphId))?.placement).toBe(request.instanceId);
  await stage.setCapacity(OTHER, CAPACITY);
  return graphId;
};
const quarantine = async ({ request }: Retirement): Promise<void> => {
  const instance = await stage.instances.get(request.instanceId);
  if (instance !== undefined) await stage.instances.quarantineSilent(instance);
};
const expectConsistent = async (): Promise<void> => expect(inconsistencies(await stage.world())).toEqual([]);

test('its graphs have their slots on the other instance, and its task is stopped for good', async () => {
  const retirement = await askForRetirement(stage);
  const graphId = await makeGraphOn(retirement);
  const { instanceId } = retirement.request;
  expect(await run(retirement)).toMatchObject({ status: 'succeeded', result: { instanceId, tier: 'large' } });
  expect(await stage.graphs.get(graphId)).toMatchObject({ placement: OTHER, status: 'active' });
  expect(Object.keys(await stage.instances.readSlots(OTHER))).toEqual([graphId]);
  expect(await stage.instances.get(instanceId)).toBeUndefined();
  expect(await stage.services.existing([instanceId])).toEqual(new Set());
  expect(stage.startsOf(instanceId)).toEqual([1]);
  await expectConsistent();
});

test('nothing of it is moved while something is at work there', async () => {
  const retirement = await askForRetirement(stage);
  const { instanceId } = retirement.request;
  const graphId = await makeGraphOn(retirement);
  const worker = operationIdFor('acme', undefined);
  await stage.log.open({ ...acceptedEvent(), operationId: worker, message: 'Accepted', actor: 'ada' });
  await stage.holdings.acquire(instanceId, worker, 'materialization');
  await stage.commands.accept(retirement);
  await comeTo(retirement, 'AwaitIdle');
  expect(await stage.graphs.get(graphId)).toMatchObject({ placement: instanceId });
  expect(await stage.instances.get(instanceId)).toMatchObject({ state: 'DRAINING', busyCount: 1, used: 1 });
  await stage.holdings.releaseAll(instanceId, worker);
  expect(await endOf(retirement)).toMatchObject({ status: 'succeeded' });
  expect(await stage.graphs.get(graphId)).toMatchObject({ placement: OTHER });
});

test('an operation that waits for it goes on where its graph is then', async () => {
  const retirement = await askForRetirement(stage);
  const { instanceId } = retirement.request;
  await stage.setCapacity(OTHER, 0);
  const asked = askForGraph({ tier: 'large' });
  const drain = { owner: drainOwnerOf(retirement.operationId), reason: 'Too many', since: new Date().toISOString() };
  const act = async () => {
    await stage.leases.beginDrain({ instanceId, tier: 'large' }, drain);
  };
  stage.faults.afterwards({ operationId: asked.operationId, from: '', after: 'TakeSlot', act });
  await stage.commands.accept(asked);
  await comeTo(asked, 'WaitToBuildGraph');
  await stage.setCapacity(OTHER, CAPACITY);
  expect(await run(retirement)).toMatchObject({ status: 'succeeded' });
  expect(await endOf(asked)).toMatchObject({ status: 'succeeded' });
  expect(await stage.graphs.get(asked.graphId ?? '')).toMatchObject({ placement: OTHER, status: 'active' });
  await expectConsistent();
});

test('without room for its graphs it is given back', async () => {
  const retirement = await askForRetirement(stage);
  const graphId = await makeGraphOn(retirement);
  await stage.setCapacity(OTHER, 0);
  expect(await run(retirement)).toMatchObject({ status: 'failed', error: { code: 'at_capacity' } });
  const { instanceId } = retirement.request;
  expect(await stage.instances.get(instanceId)).toMatchObject({ state: 'ACTIVE', used: 1, drain: null });
  expect(await stage.graphs.get(graphId)).toMatchObject({ placement: instanceId });
  await expectConsistent();
});

test('one in quarantine is retired too, and comes back there when it is given back', async () => {
  const given = await askForRetirement(stage);
  await makeGraphOn(given);
  await quarantine(given);
  await stage.setCapacity(OTHER, 0);
  expect(await run(given)).toMatchObject({ status: 'failed', error: { code: 'at_capacity' } });
  const { instanceId } = given.request;
  expect(await stage.instances.get(instanceId)).toMatchObject({ state: 'QUARANTINED', quarantineReason: 'silent' });
  await stage.setCapacity(OTHER, CAPACITY);
  expect(await run({ ...given, operationId: operationIdFor('~fleet', undefined) })).toMatchObject({
    status: 'succeeded',
  });
  expect(await stage.instances.get(instanceId)).toBeUndefined();
  await expectConsistent();
});

test('the drain that a refresh has left behind is taken over', async () => {
  const retirement = await askForRetirement(stage);
  const { instanceId, tier } = retirement.request;
  const refresh = acceptedEvent({ kind: 'instance.refresh', tenantId: '~fleet', graphId: null });
  await stage.log.open({ ...refresh, message: 'Accepted', actor: 'ada' });
  await stage.log.append(refresh.operationId, { type: 'started', message: 'Begun' });
  await stage.log.append(refresh.operationId, { type: 'succeeded', message: 'Done', result: {} });
  await stage.leases.beginDrain({ instanceId, tier }, { owner: `${refresh.operationId}.1`, reason: 'r', since: AT });
  expect(await run(retirement)).toMatchObject({ status: 'succeeded' });
  expect(await stage.instances.get(instanceId)).toBeUndefined();
});
