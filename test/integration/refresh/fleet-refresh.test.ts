import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../../domain/fleet/dynamo-tier-store.ts';
import { FLEET_TIERS } from '../../../domain/fleet/tier.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { DynamoRefreshLockStore } from '../../../domain/lease/dynamo-refresh-lock-store.ts';
import { RefreshLock } from '../../../domain/lease/refresh-lock.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { FLEET_TENANT } from '../../../domain/operation/operation.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { DynamoRefreshPlanStore } from '../../../domain/refresh/dynamo-refresh-plan-store.ts';
import { FleetRefreshes, WaitingForInstances } from '../../../domain/refresh/fleet-refresh.ts';
import { planRefresh, tiersOf } from '../../../domain/refresh/plan-refresh.ts';
import type { InstanceRefreshResult } from '../../../domain/refresh/refresh.ts';
import type { FleetRefreshRequest } from '../../../domain/refresh/refresh-plan.ts';
import { childOf, RefreshReport } from '../../../domain/refresh/refresh-report.ts';
import { WALK_SECONDS } from '../../../domain/refresh/refresh-times.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { registerInstance } from '../lease/instances.ts';

const TIER = 'large';
const WANTED = 'sha256:two';
const NAMES = ['inst-large-1', 'inst-large-2', 'inst-large-3'];

let table: ControlTableClient;
let close: () => Promise<void>;
let log: OperationLog;
let operationId: string;
let now: Date;
/** The executions that were started, in order, and those that were stopped. */
let started: string[];

const request = (own: Partial<FleetRefreshRequest> = {}): FleetRefreshRequest => ({
  tiers: [TIER],
  instances: null,
  maxWaitMinutes: 30,
  onBusy: 'wait',
  onDeadline: 'defer',
  forceIgnoreBusy: false,
  reason: null,
  forceRestart: false,
  maxConcurrent: 1,
  canary: 0,
  ...own,
});

const workflows: Workflows = {
  start: async (attempt) => void started.push(attempt.operationId),
  stop: async () => {},
  stateOf: async () => 'running',
};
const parts = () => ({
  plans: new DynamoRefreshPlanStore(table),
  operations: log,
  commands: new OperationCommands(log, workflows),
  instances: new DynamoInstanceStore(table),
  leases: new DynamoLeaseStore(table),
});
const refreshes = (own: Partial<ReturnType<typeof parts>> = {}) =>
  new FleetRefreshes({ ...parts(), ...own }, () => now);
const report = () => new RefreshReport(new DynamoRefreshPlanStore(table), log);
const child = (instanceId: string) => childOf(operationId, { instanceId });
const walk = async (own: Partial<FleetRefreshRequest> = {}, by = refreshes()) =>
  by.walk(await log.last(operationId), request(own));
const waits = async (...given: Parameters<typeof walk>) =>
  expect(walk(...given)).rejects.toBeInstanceOf(WaitingForInstances);
const outcomes = async () =>
  (await report().page(operationId, { from: 0, limit: 10 })).map(({ result }) => result?.outcome ?? null);

/** Plays the operation of an instance to its end. */
const end = async (instanceId: string, outcome: InstanceRefreshResult['outcome'] = 'refreshed') => {
  await log.append(child(instanceId), { type: 'started', message: 'Started' });
  const error = { code: 'internal', message: 'It did not come up.', retryable: false } as const;
  if (outcome === 'failed') await log.append(child(instanceId), { type: 'failed', message: 'Failed', error });
  else await log.append(child(instanceId), { type: 'succeeded', message: 'Done', result: { instanceId, outcome } });
};

beforeAll(async () => {
  ({ table, close } = await startControlTable());
  log = new OperationLog(new DynamoOperationStore(table));
  await new DynamoTierStore(table).put({ tier: TIER, minInstances: 0, maxInstances: 9, capacity: 10, image: WANTED });
});
afterAll(() => close());

beforeEach(async () => {
  started = [];
  now = new Date();
  for (const instanceId of NAMES) await registerInstance(table, { instanceId, tier: TIER });
  operationId = operationIdFor(FLEET_TENANT, undefined);
  const asked = { kind: 'fleet.refresh', tenantId: FLEET_TENANT, graphId: null, actor: 'olga' } as const;
  await log.open({ operationId, ...asked, request: request(), requestHash: 'hash', message: 'Accepted' });
  await log.append(operationId, { type: 'started', message: 'Started' });
  const stores = { instances: new DynamoInstanceStore(table), tiers: new DynamoTierStore(table) };
  await parts().plans.create(operationId, await planRefresh(stores, request()));
});

describe('a walk', () => {
  test('begins one instance after the other, and is over when they are', async () => {
    for (const [at, instanceId] of NAMES.entries()) {
      await waits();
      expect(started).toEqual(NAMES.slice(0, at + 1).map(child));
      await end(instanceId);
    }
    await walk();
    expect(await report().result(operationId)).toMatchObject({ outcome: 'refreshed', counts: { refreshed: 3 } });
  });

  test('tells what it waits for: the instance, what is at work there, and how long', async () => {
    const leases = new DynamoLeaseStore(table);
    const leaseId = 'op_00000000000000000000000001.1';
    await waits();
    await leases.acquire(NAMES[0] ?? '', { leaseId, kind: 'backup', acquiredAt: now.toISOString() });
    now = new Date(now.getTime() + 5 * 60_000);
    await waits();
    const { message, detail } = await log.last(operationId);
    expect(message).toBe(
      '0 of 3 instances are done; waiting for inst-large-1 with 1 operation at work (5 min; the oldest is backup of op_00000000000000000000000001)',
    );
    expect(detail).toMatchObject({ waitsFor: [{ instance: 'inst-large-1', leases: 1, waitedMs: 300_000 }] });
    await leases.release(NAMES[0] ?? '', leaseId, now.toISOString());
  });

  test('that runs twice at once begins no more than one would', async () => {
    await Promise.all([waits({ maxConcurrent: 2 }), waits({ maxConcurrent: 2 }), waits({ maxConcurrent: 2 })]);
    expect(new Set(started)).toEqual(new Set(NAMES.slice(0, 2).map(child)));
  });

  test('that died before it had opened the operation of an instance is adopted by the next, which begins no other', async () => {
    const commands = new OperationCommands(log, workflows);
    commands.accept = () => Promise.reject(new Error('The process is gone.'));
    await expect(walk({}, refreshes({ commands }))).rejects.toThrow('gone');
    expect(await report().hasNews(operationId)).toBe(true);
    await waits();
    expect(started).toEqual([child('inst-large-1')]);
    await waits();
    // While it is accepted, and may not have been started, it is started again: by its name, so it runs once.
    expect(new Set(started)).toEqual(new Set([child('inst-large-1')]));
  });

  test('goes no further after an instance that was claimed has failed, and says so', async () => {
    await waits();
    await registerInstance(table, { instanceId: 'inst-large-1', tier: TIER, generation: 2 });
    await end('inst-large-1', 'failed');
    await walk();
    expect(await outcomes()).toEqual(['failed', 'skipped', 'skipped']);
    expect(await report().result(operationId)).toMatchObject({ outcome: 'failed' });
    expect(started).toHaveLength(1);
  });

  test('defers what it has not begun after its longest time, and waits for what it has', async () => {
    await waits();
    now = new Date(now.getTime() + (WALK_SECONDS + 60) * 1_000);
    await waits();
    await end('inst-large-1');
    await walk();
    expect(await outcomes()).toEqual(['refreshed', 'deferred', 'deferred']);
    expect(await report().result(operationId)).toMatchObject({ outcome: 'partial' });
  });

  test('whose plan is full gives a result of 100 instances, and all of them by the page', async () => {
    const { instances, toImages } = await report().planOf(operationId);
    const first = instances[0];
    if (first === undefined) throw new Error('There are three.');
    const many = Array.from({ length: 1_000 }, (_, at) => ({ ...first, instanceId: `inst-large-${at + 1}` }));
    operationId = operationIdFor(FLEET_TENANT, undefined);
    await parts().plans.create(operationId, { toImages, instances: many });
    const end = { outcome: 'skipped', error: { code: 'conflict', message: 'Ended', retryable: true } } as const;
    const steps = many.map(() => 'waiting' as const);
    await parts().plans.moveWalk(operationId, { version: 0, steps, end: { ...end, recalled: false } });
    expect((await report().result(operationId)).instances).toHaveLength(100);
    expect(await report().page(operationId, { from: 990, limit: 100 })).toHaveLength(10);
  });
});

describe('a walk that is undone', () => {
  const cancel = async () => {
    const commands = new OperationCommands(log, workflows);
    await commands.cancel(operationId, { actor: 'ada' });
  };

  test('calls off what was not claimed, and is not over before that is', async () => {
    await waits();
    await cancel();
    await expect(refreshes().recall(operationId)).rejects.toMatchObject({ name: 'Retryable' });
    expect(await log.last(child('inst-large-1'))).toMatchObject({ status: 'cancelling' });
    const undone = {
      type: 'compensating',
      message: 'Undoing',
      error: { code: 'conflict', message: '', retryable: true },
    };
    await log.append(child('inst-large-1'), undone as never);
    await log.append(child('inst-large-1'), { type: 'cancelled', message: 'Cancelled', error: null });
    await refreshes().recall(operationId);
    expect(await outcomes()).toEqual(['skipped', 'skipped', 'skipped']);
  });

  test('leaves an instance that is cycling to come up', async () => {
    await waits();
    const leases = new DynamoLeaseStore(table);
    const place = { instanceId: 'inst-large-1', tier: TIER } as const;
    const owner = `${child('inst-large-1')}.1`;
    await leases.beginDrain(place, { owner, reason: 'r', since: now.toISOString() });
    await leases.claimCycle(place, owner);
    await cancel();
    await expect(refreshes().recall(operationId)).rejects.toMatchObject({ name: 'Retryable' });
    expect(await log.last(child('inst-large-1'))).toMatchObject({ status: 'accepted' });
    await end('inst-large-1');
    await refreshes().recall(operationId);
    expect(await outcomes()).toEqual(['refreshed', 'skipped', 'skipped']);
    await table.documents.send(
      new DeleteCommand({ TableName: table.tableName, Key: { pk: 'INSTANCE#inst-large-1', sk: 'META' } }),
    );
  });

  test('begins nothing by a run that was held up until then', async () => {
    const plans = new DynamoRefreshPlanStore(table);
    const { promise: recalled, resolve } = Promise.withResolvers<void>();
    const held = Object.assign(Object.create(plans) as DynamoRefreshPlanStore, {
      moveWalk: async (...given: Parameters<typeof plans.moveWalk>) => {
        await recalled;
        return plans.moveWalk(...given);
      },
      get: (id: string) => plans.get(id),
      getWalk: (id: string) => plans.getWalk(id),
      putResult: (...given: Parameters<typeof plans.putResult>) => plans.putResult(...given),
    });
    const late = walk({}, refreshes({ plans: held }));
    await refreshes().recall(operationId);
    resolve();
    await late;
    expect(started).toEqual([]);
  });

  test('calls off what a run opens that was held up between the walk and its operation', async () => {
    const commands = new OperationCommands(log, workflows);
    const accept = commands.accept.bind(commands);
    commands.accept = async (asked) => {
      await cancel();
      await refreshes().recall(operationId);
      return accept(asked);
    };
    await expect(walk({}, refreshes({ commands }))).rejects.toBeDefined();
    expect(await log.last(child('inst-large-1'))).toMatchObject({ status: 'cancelling' });
  });
});

test('the lock of a tier is of one refresh, which is named to the other', async () => {
  const lock = new RefreshLock(new DynamoRefreshLockStore(table), log);
  await lock.take(TIER, operationId);
  await expect(lock.take(TIER, operationIdFor(FLEET_TENANT, undefined))).rejects.toMatchObject({ operationId });
  await lock.free(TIER, operationId);
});

test('a refresh of a tier for which nobody has named an image is refused with the way to name one', async () => {
  await registerInstance(table, { instanceId: 'inst-shared-1', tier: 'shared' });
  const stores = { instances: new DynamoInstanceStore(table), tiers: new DynamoTierStore(table) };
  const planned = planRefresh(stores, request({ tiers: ['shared'] }));
  await expect(planned).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('PUT /v1/fleet/tiers/shared'),
  });
});

test('a refresh that names no tier is of every tier, the shared one too', async () => {
  const instances = new DynamoInstanceStore(table);
  expect(await tiersOf({ instances }, { tiers: null, instances: null })).toEqual(FLEET_TIERS);
  expect(await tiersOf({ instances }, { tiers: ['shared', 'large'], instances: null })).toEqual(['large', 'shared']);
  expect(await tiersOf({ instances }, { tiers: null, instances: ['inst-large-3'] })).toEqual([TIER]);
});
