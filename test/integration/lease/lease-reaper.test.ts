import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import type { InstancePlace } from '../../../domain/fleet/instance.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { LeaseReaper } from '../../../domain/lease/lease-reaper.ts';
import { Leases } from '../../../domain/lease/leases.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { AT, registerInstance } from './instances.ts';

const YEARS_AGO = new Date('2006-01-01T00:00:00.000Z');

let table: ControlTableClient;
let close: () => Promise<void>;
let store: DynamoLeaseStore;
let log: OperationLog;
beforeAll(async () => {
  ({ table, close } = await startControlTable());
  store = new DynamoLeaseStore(table);
  log = new OperationLog(new DynamoOperationStore(table));
});
afterAll(() => close());

let woken: string[];
let leases: Leases;
let reaper: LeaseReaper;
let place: InstancePlace;
let count = 0;
beforeEach(async () => {
  woken = [];
  leases = new Leases(store, { succeed: async (token) => void woken.push(token) }, () => YEARS_AGO);
  reaper = new LeaseReaper(store, leases, log, () => new Date(AT));
  count += 1;
  place = await registerInstance(table, { instanceId: `inst-${count}` });
});

/** An operation that holds the instance since long ago. */
const holding = async () => {
  const { operationId, request, requestHash, ...event } = acceptedEvent();
  await log.open({ ...event, operationId, request, requestHash });
  await log.append(operationId, { type: 'started', message: 'Started' });
  await leases.acquire(place.instanceId, operationId, 'bulk_table_insert');
  return operationId;
};
const end = (operationId: string) =>
  log.append(operationId, {
    type: 'failed',
    message: 'Failed',
    error: { code: 'internal', message: 'It broke', retryable: true },
  });

test('the reaper ends the leases of operations that are over, and no others, however old they are', async () => {
  const [over, atWork] = [await holding(), await holding()];
  await leases.acquire(place.instanceId, 'op_nobody_knows', 'backup');
  await end(over);
  expect(await reaper.reap(place.instanceId)).toEqual([`${over}.1`]);
  const left = await store.get(place.instanceId);
  expect(Object.keys(left?.leases ?? {}).sort()).toEqual([`${atWork}.1`, 'op_nobody_knows.1'].sort());
  expect(left?.busyCount).toBe(2);
});

test('the reaper wakes the drain when it ends the last lease', async () => {
  const over = await holding();
  await store.beginDrain(place, { owner: 'op_r.1', reason: 'refresh', since: AT });
  await store.awaitIdle(place, 'op_r.1', 'token');
  expect(await reaper.reap(place.instanceId)).toEqual([]);
  expect(woken).toEqual([]);
  await end(over);
  await reaper.reap(place.instanceId);
  expect(woken).toEqual(['token']);
  expect(await store.claimCycle(place, 'op_r.1')).toMatchObject({ done: true });
});

test('a gate that an operation left closed is opened, after a cycle once its new task is there, and no other is', async () => {
  const [refresh, next] = [await holding(), await holding()];
  const drain = { owner: `${refresh}.2`, reason: 'refresh', since: AT };
  await store.beginDrain(place, drain);
  expect(await reaper.openIfLeft(place)).toBe(false);
  await end(refresh);
  expect(await reaper.openIfLeft(place)).toBe(true);
  expect(await store.get(place.instanceId)).toMatchObject({ state: 'ACTIVE', drain: null });
  expect(await reaper.openIfLeft(place)).toBe(false);

  await store.beginDrain(place, { ...drain, owner: `${next}.2` });
  await store.forceCycle(place, `${next}.2`, AT);
  await end(next);
  expect(await reaper.openIfLeft(place)).toBe(false);
  await registerInstance(table, { ...place, taskArn: 'task-2', generation: 2 });
  expect(await reaper.openIfLeft(place)).toBe(true);
  expect(await store.get(place.instanceId)).toMatchObject({ state: 'ACTIVE', generation: 2 });
});

test('a drain whose undo failed stays for it to be taken up again, and so does that of a person', async () => {
  const refresh = await holding();
  await log.append(refresh, {
    type: 'compensation_failed',
    message: 'Failed',
    error: { code: 'internal', message: 'It broke', retryable: true },
  });
  await store.beginDrain(place, { owner: `${refresh}.2`, reason: 'refresh', since: AT });
  expect(await reaper.openIfLeft(place)).toBe(false);
  await store.undrain(place, `${refresh}.2`, AT);
  await store.beginDrain(place, { owner: 'manual-1.1', reason: 'Disk', since: AT });
  expect(await reaper.openIfLeft(place)).toBe(false);
  expect(await reaper.reap(place.instanceId)).toEqual([`${refresh}.1`]);
});

test('the reaper comes by every instance in turn, so many at a time', async () => {
  const rotations = new DynamoRotationStore(table);
  const places = [place];
  for (const name of ['b', 'c', 'd']) {
    places.push(await registerInstance(table, { instanceId: `inst-${count}-${name}`, tier: 'large' }));
  }
  for (const each of places) {
    place = each;
    await end(await holding());
  }
  let reaped = 0;
  for (let turn = 0; turn < 10; turn += 1) {
    const done = await reaper.takeTurn(rotations, 2);
    expect(done.reaped).toBeLessThanOrEqual(2);
    expect(done.failed).toBe(0);
    reaped += done.reaped;
  }
  expect(reaped).toBe(places.length);
});
