import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import type { InstancePlace } from '../../../domain/fleet/instance.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { holdingOf, leaseIdFor } from '../../../domain/lease/lease.ts';
import { Leases } from '../../../domain/lease/leases.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { AT, registerInstance } from './instances.ts';

const KIND = 'materialization';
const [FIRST, SECOND] = [holdingOf(AT, 0), holdingOf(AT, 1)];

let table: ControlTableClient;
let close: () => Promise<void>;
let store: DynamoLeaseStore;
let leases: Leases;
let place: InstancePlace;
let woken: string[];
let number = 0;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
  store = new DynamoLeaseStore(table);
});
afterAll(() => close());

beforeEach(async () => {
  number += 1;
  woken = [];
  const tasks = { succeed: async (taskToken: string) => void woken.push(taskToken) };
  leases = new Leases(store, tasks, () => new Date(AT));
  place = await registerInstance(table, { instanceId: `inst-${number}` });
});

const acquire = (holding: number) => leases.acquireInTurn(place.instanceId, 'op_1', KIND, holding);
const held = async () => Object.keys((await store.get(place.instanceId))?.leases ?? {});
const drain = async () => {
  await store.beginDrain(place, { owner: 'op_r.1', reason: 'refresh', since: AT });
  await store.awaitIdle(place, 'op_r.1', 'token');
};

test('a later try holds the instance in the place of an earlier one', async () => {
  expect(await acquire(FIRST)).toMatchObject({ holding: FIRST });
  expect(await acquire(FIRST)).toMatchObject({ holding: FIRST });
  expect(await acquire(SECOND)).toMatchObject({ holding: SECOND });
  expect(await held()).toEqual([leaseIdFor('op_1', SECOND)]);
});

test('a try that comes late takes nothing from the one that is at work', async () => {
  await acquire(SECOND);
  expect(await acquire(FIRST)).toBeUndefined();
  expect(await held()).toEqual([leaseIdFor('op_1', SECOND)]);
  await drain();
  expect(await acquire(FIRST)).toBeUndefined();
  expect(await held()).toEqual([leaseIdFor('op_1', SECOND)]);
  expect(woken).toEqual([]);
});

test('work that is taken for lost, and may be going on, is not cycled: while it drains it keeps its lease', async () => {
  await acquire(FIRST);
  await drain();
  expect(await acquire(SECOND)).toMatchObject({ holding: FIRST, instance: { busyCount: 1 } });
  expect(woken).toEqual([]);
  expect(await store.claimCycle(place, 'op_r.1')).toMatchObject({ done: false });
});

test('what has ended while it drained does not begin anew, and wakes the drain', async () => {
  await acquire(FIRST);
  await drain();
  await leases.release(place.instanceId, leaseIdFor('op_1', FIRST));
  expect(woken).toEqual(['token']);
  expect(await acquire(FIRST)).toBeUndefined();
  await expect(acquire(SECOND)).rejects.toMatchObject({ name: 'InstanceDraining', code: 'instance_draining' });
});
