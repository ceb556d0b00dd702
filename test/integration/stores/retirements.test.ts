import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceRetirementStore } from '../../../domain/fleet/dynamo-instance-retirement-store.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import type { RetireRequest } from '../../../domain/fleet/retirement.ts';
import { Retirements, SCALE_IN_MINUTES } from '../../../domain/fleet/retirements.ts';
import type { FleetTier, Tier } from '../../../domain/fleet/tier.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { DynamoRefreshLockStore } from '../../../domain/lease/dynamo-refresh-lock-store.ts';
import { RefreshLock } from '../../../domain/lease/refresh-lock.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1) + minutes * 60_000);
const iso = (minutes: number) => at(minutes).toISOString();

let table: ControlTableClient;
let close: () => Promise<void>;
let wanted: Tier;
let started: string[];
let instances: DynamoInstanceStore;
let store: DynamoInstanceRetirementStore;
let queue: DynamoCapacityQueue;
let operations: DynamoOperationStore;
let log: OperationLog;
let lock: RefreshLock;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());
beforeEach(async () => {
  await close();
  ({ table, close } = await startControlTable());
  wanted = { tier: 'large', minInstances: 1, maxInstances: 5, capacity: 10 };
  started = [];
  instances = new DynamoInstanceStore(table);
  store = new DynamoInstanceRetirementStore(table);
  queue = new DynamoCapacityQueue(table);
  operations = new DynamoOperationStore(table);
  log = new OperationLog(operations);
  lock = new RefreshLock(new DynamoRefreshLockStore(table), log);
});

const retirements = (minutes: number) =>
  new Retirements(
    {
      tiers: { get: async (tier) => ({ ...wanted, tier }) },
      instances,
      retirements: store,
      queue,
      lock,
      operations: log,
      commands: new OperationCommands(log, {
        start: async ({ operationId }) => void started.push(operationId),
        stop: async () => {},
        stateOf: async () => 'running',
      }),
    },
    () => at(minutes),
  );
const scaleIn = (minutes: number, tier: FleetTier = 'large') => retirements(minutes).scaleIn(tier);

const register = (instanceId: string, tier: FleetTier = 'large') =>
  instances.register(
    { instanceId, tier, endpoint: 'e', image: 'i', taskArn: 'task', capacity: 10, generation: 1 },
    iso(0),
  );
const asked = () => ({
  operationId: operationIdFor('~fleet', undefined),
  actor: 'olga',
  reason: 'Too many',
  maxWaitMinutes: 5,
});
const retiredIds = async () => {
  const first = await Promise.all(started.map((operationId) => log.first(operationId)));
  return first.map(({ request }) => (request as RetireRequest).instanceId);
};
const finish = async (operationId: string) => {
  await log.append(operationId, { type: 'started', message: 'Begun' });
  await log.append(operationId, { type: 'succeeded', message: 'Done', result: {} });
};

test('an instance that has been empty for a while is retired, when its tier has more than its minimum', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  await instances.takeSlot('inst-large-1', 'kg1', 'op_1');
  expect(await scaleIn(0)).toBe(0);
  expect(await scaleIn(SCALE_IN_MINUTES - 1)).toBe(0);
  expect(await scaleIn(SCALE_IN_MINUTES)).toBe(1);
  expect(await retiredIds()).toEqual(['inst-large-2']);
});

test('the last of the minimum stays, however long it is empty', async () => {
  await register('inst-large-1');
  await scaleIn(0);
  expect(await scaleIn(1_000)).toBe(0);
  wanted = { ...wanted, minInstances: 0 };
  expect(await scaleIn(1_001)).toBe(1);
});

test('the time begins anew with each graph that was there meanwhile', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  await instances.takeSlot('inst-large-1', 'kg1', 'op_1');
  await scaleIn(0);
  await instances.takeSlot('inst-large-2', 'kg2', 'op_2');
  await instances.freeSlot('inst-large-2', 'kg2', 'op_2');
  expect(await scaleIn(SCALE_IN_MINUTES)).toBe(0);
  expect(await scaleIn(2 * SCALE_IN_MINUTES - 1)).toBe(0);
  expect(await scaleIn(2 * SCALE_IN_MINUTES)).toBe(1);
});

test('one that was launched for those who wait stays while they do', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  const operationId = operationIdFor('acme', undefined);
  const waiting = {
    operationId,
    graphId: 'kg',
    tenantId: 'acme',
    createdAt: iso(0),
    taskToken: 't',
    enqueuedAt: iso(0),
  };
  await queue.put('large', waiting);
  await scaleIn(0);
  expect(await scaleIn(SCALE_IN_MINUTES)).toBe(0);
  await queue.remove('large', waiting);
  expect(await scaleIn(SCALE_IN_MINUTES)).toBe(1);
});

test('only one of a tier is retired at a time, and none while the tier is refreshed', async () => {
  for (const name of ['inst-large-1', 'inst-large-2', 'inst-large-3']) await register(name);
  const refresh = acceptedEvent({ kind: 'fleet.refresh', tenantId: '~fleet', graphId: null });
  await operations.putEvent(refresh);
  await lock.take('large', refresh.operationId);
  await scaleIn(0);
  expect(await scaleIn(SCALE_IN_MINUTES)).toBe(0);
  await finish(refresh.operationId);
  await Promise.all([1, 2, 3].map(() => scaleIn(SCALE_IN_MINUTES + 1)));
  expect(new Set(started).size).toBe(1);
  const [first = ''] = started;
  await finish(first);
  for (const minutes of [2, 3]) await scaleIn(SCALE_IN_MINUTES + minutes);
  expect(new Set(started).size).toBe(2);
});

test('shared instances answer queries without holding graphs: they are not scaled in', async () => {
  for (const name of ['inst-shared-1', 'inst-shared-2', 'inst-shared-3']) await register(name, 'shared');
  await scaleIn(0, 'shared');
  expect(await scaleIn(1_000, 'shared')).toBe(0);
});

test('a retirement that was undone is tried again after another while', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  await instances.takeSlot('inst-large-1', 'kg1', 'op_1');
  await scaleIn(0);
  await scaleIn(SCALE_IN_MINUTES);
  await finish(started[0] ?? '');
  expect(await scaleIn(SCALE_IN_MINUTES + 1)).toBe(0);
  expect(await scaleIn(2 * SCALE_IN_MINUTES)).toBe(0);
  expect(await scaleIn(2 * SCALE_IN_MINUTES + 1)).toBe(1);
});

test('an operator is refused what the tier can not do without, and the tier stays free', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  wanted = { ...wanted, minInstances: 2 };
  await expect(retirements(0).retire('inst-large-2', asked())).rejects.toMatchObject({ code: 'conflict' });
  wanted = { ...wanted, minInstances: 1 };
  await retirements(0).retire('inst-large-2', asked());
  expect(await retiredIds()).toEqual(['inst-large-2']);
});

test('of two who retire at once one does not get the tier, when it is asked for or when its workflow begins', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  await Promise.allSettled(['inst-large-1', 'inst-large-2'].map((name) => retirements(0).retire(name, asked())));
  const begun = await Promise.allSettled(started.map((operationId) => lock.take('large', operationId)));
  expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('an instance in quarantine is no help to its tier, and can be retired itself', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  const silent = await instances.get('inst-large-1');
  if (silent) await instances.quarantineSilent(silent);
  await expect(retirements(0).retire('inst-large-2', asked())).rejects.toMatchObject({ code: 'conflict' });
  await retirements(0).retire('inst-large-1', asked());
  expect(await retiredIds()).toEqual(['inst-large-1']);
});

test('one that somebody drains is not retired; one that was left behind is', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  const leases = new DynamoLeaseStore(table);
  const place = { instanceId: 'inst-large-2', tier: 'large' } as const;
  const since = iso(0);
  await leases.beginDrain(place, { owner: 'manual-x.1', reason: 'A look', since });
  await expect(retirements(0).retire('inst-large-2', asked())).rejects.toMatchObject({ code: 'conflict' });
  await leases.undrain(place, 'manual-x.1', since);
  const refresh = acceptedEvent({ kind: 'instance.refresh', tenantId: '~fleet', graphId: null });
  await operations.putEvent(refresh);
  await leases.beginDrain(place, { owner: `${refresh.operationId}.1`, reason: 'A refresh', since });
  await expect(retirements(0).retire('inst-large-2', asked())).rejects.toMatchObject({
    code: 'conflict',
    operationId: refresh.operationId,
  });
  await finish(refresh.operationId);
  await retirements(0).retire('inst-large-2', asked());
  expect(await retiredIds()).toEqual(['inst-large-2']);
});

test('a repeated call gets the first answer, even when the instance is gone', async () => {
  for (const name of ['inst-large-1', 'inst-large-2']) await register(name);
  const call = asked();
  const first = await retirements(0).retire('inst-large-2', call);
  expect(await retirements(0).retire('inst-large-2', call)).toMatchObject({ replayed: true, accepted: first.accepted });
  await expect(retirements(0).retire('inst-large-1', call)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});

test('the item of an instance is removed only by its owner, and only when it holds nothing', async () => {
  await register('inst-large-1');
  const leases = new DynamoLeaseStore(table);
  const place = { instanceId: 'inst-large-1', tier: 'large' } as const;
  await instances.takeSlot('inst-large-1', 'kg1', 'op_1');
  expect(await store.remove('inst-large-1', 'op_r.1')).toBe(true);
  await leases.beginDrain(place, { owner: 'op_r.1', reason: 'Retired', since: iso(0) });
  expect(await store.remove('inst-large-1', 'op_r.1')).toBe(false);
  await leases.claimCycle(place, 'op_r.1');
  expect(await store.remove('inst-large-1', 'op_r.1')).toBe(false);
  await instances.freeSlot('inst-large-1', 'kg1', 'op_1');
  expect(await store.remove('inst-large-1', 'op_other.1')).toBe(true);
  expect(await instances.get('inst-large-1')).toBeDefined();
  expect(await store.remove('inst-large-1', 'op_r.1')).toBe(true);
  expect(await instances.get('inst-large-1')).toBeUndefined();
  expect(await store.remove('inst-large-1', 'op_r.1')).toBe(true);
});

test('a drain of an instance in quarantine is not ended by a heartbeat, and puts it back there', async () => {
  await register('inst-large-1');
  const silent = await instances.get('inst-large-1');
  if (silent) await instances.quarantineSilent(silent);
  const place = { instanceId: 'inst-large-1', tier: 'large' } as const;
  const drain = { owner: 'op_r.1', reason: 'Retired', since: iso(0) };
  expect(await store.drainQuarantined(place, drain)).toBe(true);
  expect(await instances.heartbeat('inst-large-1', 'task', iso(1))).toBe(true);
  expect(await instances.get('inst-large-1')).toMatchObject({ state: 'DRAINING' });
  await store.requarantine(place, 'op_other.1', iso(1));
  await store.requarantine(place, 'op_r.1', iso(1));
  await store.requarantine(place, 'op_r.1', iso(2));
  const back = { state: 'QUARANTINED', quarantineReason: 'silent', drain: null };
  expect(await instances.get('inst-large-1')).toMatchObject(back);
  expect((await instances.listByTier('large', 'QUARANTINED')).length).toBe(1);
  // A late run of a drain that was taken back, and the undo that follows.
  expect(await store.drainQuarantined(place, drain)).toBe(false);
  expect(await new DynamoLeaseStore(table).undrain(place, 'op_r.1', iso(3))).toMatchObject({ done: true });
  expect(await instances.get('inst-large-1')).toMatchObject(back);
});

test('a drain of an instance that was in use is not put into quarantine', async () => {
  await register('inst-large-1');
  const place = { instanceId: 'inst-large-1', tier: 'large' } as const;
  await new DynamoLeaseStore(table).beginDrain(place, { owner: 'op_r.1', reason: 'Retired', since: iso(0) });
  await store.requarantine(place, 'op_r.1', iso(1));
  expect(await instances.get('inst-large-1')).toMatchObject({ state: 'DRAINING' });
});
