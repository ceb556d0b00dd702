import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore, keyOf } from '../../../domain/fleet/dynamo-instance-store.ts';
import type { InstancePlace } from '../../../domain/fleet/instance.ts';
import { DrainedByOther } from '../../../domain/lease/drain.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { InstanceFull, type Lease, LeaseLost, MOST_LEASES } from '../../../domain/lease/lease.ts';
import { Leases } from '../../../domain/lease/leases.ts';
import { ManualDrains } from '../../../domain/lease/manual-drain.ts';
import { HoldingEnded, InstanceDraining, InstanceGone } from '../../../domain/lease/occupancy.ts';
import { OperationDrains } from '../../../domain/lease/operation-drains.ts';
import type { OperationKind, OperationStatus } from '../../../domain/operation/operation.ts';
import { operationAsOf } from '../../../domain/operation/operation-event.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { AT, registerInstance } from './instances.ts';

let table: ControlTableClient;
let store: DynamoLeaseStore;
let instances: DynamoInstanceStore;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startControlTable();
  ({ table, close } = started);
  store = new DynamoLeaseStore(table);
  instances = new DynamoInstanceStore(table);
});
afterAll(() => close());

/** Each test has an instance of its own. */
let place: InstancePlace;
let id: string;
let count = 0;
beforeEach(async () => {
  count += 1;
  id = `inst-${count}`;
  place = await registerInstance(table, { instanceId: id });
});

const lease = (leaseId: string): Lease => ({ leaseId, kind: 'materialization', acquiredAt: AT });
const drain = (owner: string) => ({ owner, reason: 'refresh', since: AT });
const ready = { image: 'sha256:two', heardSince: AT };
const newTask = (own = {}) =>
  registerInstance(table, { instanceId: id, image: 'sha256:two', taskArn: 'task-2', generation: 2, ...own });
const here = async () => {
  const instance = await store.get(id);
  if (instance === undefined) throw new Error('gone');
  expect(instance.busyCount).toBe(Object.keys(instance.leases).length);
  return instance;
};
/** The drains of operations that are all of a status. */
const drainsWhere = (status: OperationStatus, kind: OperationKind = 'instance.refresh') => {
  const find = async (operationId: string) => operationAsOf(acceptedEvent({ operationId, status, kind }));
  return new OperationDrains(store, { find }, 'instance.refresh');
};
/** Which listing the instance is in. */
const listedAs = async () => (await instances.listAll('standard')).find(({ instanceId }) => instanceId === id)?.state;

describe('a lease', () => {
  test('is counted once, however often it is acquired', async () => {
    expect(await store.acquire(id, lease('op_1.1'))).toMatchObject({ busyCount: 1, generation: 1 });
    expect(await store.acquire(id, lease('op_1.1'))).toMatchObject({ busyCount: 1 });
    expect(await store.acquire(id, lease('op_2.1'))).toMatchObject({ busyCount: 2 });
  });

  test('is given back once, however often it is released: the count never falls below what is held', async () => {
    await store.acquire(id, lease('op_1.1'));
    await store.acquire(id, lease('op_2.1'));
    expect(await store.release(id, 'op_1.1', AT)).toMatchObject({ busyCount: 1 });
    expect(await store.release(id, 'op_1.1', AT)).toMatchObject({ busyCount: 1 });
    expect(Object.keys((await here()).leases)).toEqual(['op_2.1']);
  });

  test('that has ended is not brought back by a late acquire', async () => {
    await store.acquire(id, lease('op_1.1'));
    await store.release(id, 'op_1.1', AT);
    await expect(store.acquire(id, lease('op_1.1'))).rejects.toThrow(HoldingEnded);
    expect(await store.acquire(id, lease('op_1.2'))).toMatchObject({ busyCount: 1 });
  });

  test('that was released before it was acquired never begins', async () => {
    await store.release(id, 'op_1.1', AT);
    await expect(store.acquire(id, lease('op_1.1'))).rejects.toThrow(HoldingEnded);
    expect((await here()).busyCount).toBe(0);
  });

  test('on an instance that is not there is refused for good; its release is done', async () => {
    await expect(store.acquire('inst-nowhere', lease('op_1.1'))).rejects.toThrow(InstanceGone);
    expect(await store.release('inst-nowhere', 'op_1.1', AT)).toBeUndefined();
    expect(await store.get('inst-nowhere')).toBeUndefined();
  });

  test('is refused for now when the instance has as many as it can hold', async () => {
    const all = Array.from({ length: MOST_LEASES }, (_, at) => store.acquire(id, lease(`op_${at}.1`)));
    await Promise.all(all);
    const refused = store.acquire(id, lease('op_more.1'));
    await expect(refused).rejects.toThrow(InstanceFull);
    await expect(refused).rejects.toMatchObject({ code: 'at_capacity', retryable: true });
    expect((await here()).busyCount).toBe(MOST_LEASES);
  });

  test('survives that a new task registers the instance', async () => {
    await store.acquire(id, lease('op_1.1'));
    await store.beginDrain(place, drain('op_r.1'));
    await newTask({ generation: 1 });
    expect(await here()).toMatchObject({ busyCount: 1, state: 'DRAINING', generation: 1, taskArn: 'task-2' });
  });

  test('is confirmed while it is held, to work of this generation', async () => {
    await store.acquire(id, lease('op_1.1'));
    expect(await store.confirm(id, 'op_1.1', 1)).toMatchObject({ generation: 1 });
    await expect(store.confirm(id, 'op_1.1', 2)).rejects.toThrow(LeaseLost);
    await store.release(id, 'op_1.1', AT);
    await expect(store.confirm(id, 'op_1.1', 1)).rejects.toThrow(LeaseLost);
  });
});

describe('a drain', () => {
  test('closes the gate to new work and keeps the leases that are held', async () => {
    await store.acquire(id, lease('op_1.1'));
    expect(await store.beginDrain(place, drain('op_r.1'))).toMatchObject({ state: 'DRAINING', busyCount: 1 });
    const refused = store.acquire(id, lease('op_2.1'));
    await expect(refused).rejects.toThrow(InstanceDraining);
    await expect(refused).rejects.toMatchObject({ code: 'instance_draining', retryable: true });
    expect(await store.acquire(id, lease('op_1.1'))).toMatchObject({ busyCount: 1 });
    expect(await listedAs()).toBe('DRAINING');
  });

  test('belongs to one owner; another is told to wait', async () => {
    await store.beginDrain(place, drain('op_r.1'));
    expect(await store.beginDrain(place, drain('op_r.1'))).toMatchObject({ state: 'DRAINING' });
    await expect(store.beginDrain(place, drain('op_s.1'))).rejects.toThrow(DrainedByOther);
    expect(await store.undrain(place, 'op_s.1', AT)).toMatchObject({ done: true, instance: { state: 'DRAINING' } });
    expect(await store.claimCycle(place, 'op_s.1')).toMatchObject({ done: false, instance: { state: 'DRAINING' } });
  });

  test('is opened again by its owner, and does not come back by a late call', async () => {
    await store.beginDrain(place, drain('op_r.1'));
    expect(await store.undrain(place, 'op_r.1', AT)).toMatchObject({ done: true, instance: { state: 'ACTIVE' } });
    expect(await store.undrain(place, 'op_r.1', AT)).toMatchObject({ done: true, instance: { drain: null } });
    await expect(store.beginDrain(place, drain('op_r.1'))).rejects.toThrow(HoldingEnded);
    expect(await store.claimCycle(place, 'op_r.1')).toMatchObject({ done: false, instance: { state: 'ACTIVE' } });
    expect(await listedAs()).toBe('ACTIVE');
  });

  test('that was undrained before it began never begins', async () => {
    await store.undrain(place, 'op_r.1', AT);
    await expect(store.beginDrain(place, drain('op_r.1'))).rejects.toThrow(HoldingEnded);
    expect((await here()).state).toBe('ACTIVE');
  });

  test('names the task that the last release is to wake', async () => {
    const woken: string[] = [];
    const leases = new Leases(store, { succeed: async (token) => void woken.push(token) }, () => new Date(AT));
    await leases.acquire(id, 'op_1', 'backup');
    await leases.acquire(id, 'op_2', 'restore');
    await store.beginDrain(place, drain('op_r.1'));
    expect(await store.awaitIdle(place, 'op_r.1', 'token-1')).toMatchObject({ done: true, instance: { busyCount: 2 } });
    await leases.release(id, 'op_1.1');
    expect(woken).toEqual([]);
    await store.awaitIdle(place, 'op_r.1', 'token-2');
    await leases.release(id, 'op_2.1');
    expect(woken).toEqual(['token-2']);
    // Whoever released last may have died before it woke anybody: released again, it wakes again.
    await leases.release(id, 'op_2.1');
    expect(woken).toEqual(['token-2', 'token-2']);
  });
});

describe('a cycle', () => {
  test('is claimed only when nothing is held, and begins a generation', async () => {
    await store.acquire(id, lease('op_1.1'));
    await store.beginDrain(place, drain('op_r.1'));
    expect(await store.claimCycle(place, 'op_r.1')).toMatchObject({ done: false, instance: { state: 'DRAINING' } });
    await store.release(id, 'op_1.1', AT);
    const claimed = { done: true, instance: { state: 'CYCLING', generation: 2 } };
    expect(await store.claimCycle(place, 'op_r.1')).toMatchObject(claimed);
    expect(await store.claimCycle(place, 'op_r.1')).toMatchObject(claimed);
    expect(await listedAs()).toBe('CYCLING');
  });

  test('that was claimed is not undrained', async () => {
    await store.beginDrain(place, drain('op_r.1'));
    await store.claimCycle(place, 'op_r.1');
    expect(await store.undrain(place, 'op_r.1', AT)).toMatchObject({ done: false, instance: { state: 'CYCLING' } });
  });

  test('ends when another task than before is there, with the wanted image, and was heard of', async () => {
    const reopen = () => store.reopen(place, 'op_r.1', ready, AT);
    const notYet = { done: false, instance: { state: 'CYCLING' } };
    await store.beginDrain(place, drain('op_r.1'));
    await store.claimCycle(place, 'op_r.1');
    expect(await reopen()).toMatchObject(notYet);
    await newTask({ taskArn: 'task-1' });
    expect(await reopen()).toMatchObject(notYet);
    await newTask({ image: 'sha256:one' });
    expect(await reopen()).toMatchObject(notYet);
    await newTask();
    const silent = { ...ready, heardSince: '2026-01-01T12:00:00.001Z' };
    expect(await store.reopen(place, 'op_r.1', silent, AT)).toMatchObject(notYet);

    const open = { done: true, instance: { state: 'ACTIVE', generation: 2, drain: null } };
    expect(await reopen()).toMatchObject(open);
    expect(await reopen()).toMatchObject(open);
    await expect(store.beginDrain(place, drain('op_r.1'))).rejects.toThrow(HoldingEnded);
    expect(await listedAs()).toBe('ACTIVE');
  });

  test('that is turned back begins another generation, for which nothing of the failed one counts', async () => {
    await store.beginDrain(place, drain('op_r.1'));
    expect(await store.turnBack(place, 'op_r.1', AT)).toMatchObject({ done: false, instance: { state: 'DRAINING' } });
    await store.claimCycle(place, 'op_r.1');
    await newTask();
    const turned = { done: true, instance: { state: 'CYCLING', generation: 3, drain: { turnedBackAt: AT } } };
    expect(await store.turnBack(place, 'op_r.1', AT)).toMatchObject(turned);
    expect(await store.turnBack(place, 'op_r.1', AT)).toMatchObject(turned);
    // The task that came up after all is not what is waited for now, and one of its generation does not register.
    expect(await store.reopen(place, 'op_r.1', ready, AT)).toMatchObject({ done: false });
    await newTask({ taskArn: 'task-3' });
    expect(await here()).toMatchObject({ taskArn: 'task-2', generation: 3 });

    await newTask({ taskArn: 'task-4', image: 'sha256:one', generation: 3 });
    const before = { ...ready, image: 'sha256:one' };
    expect(await store.reopen(place, 'op_r.1', before, AT)).toMatchObject({ done: true, instance: { drain: null } });
    expect(await store.turnBack(place, 'op_r.1', AT)).toMatchObject({ done: false, instance: { state: 'ACTIVE' } });
  });

  test('whose operation is over is taken over by the next, turned back or not, with a generation of its own', async () => {
    const mine = { state: 'CYCLING', generation: 4, drain: { owner: 'op_s.1', taskBefore: 'task-1', taskToken: null } };
    await store.beginDrain(place, drain('op_r.1'));
    await store.claimCycle(place, 'op_r.1');
    await store.turnBack(place, 'op_r.1', AT);
    await expect(drainsWhere('running').begin(place, drain('op_s.1'))).rejects.toThrow(DrainedByOther);
    // A retirement's cycle ends the instance: a refresh could not bring it up.
    const retired = drainsWhere('failed', 'instance.retire').begin(place, drain('op_s.1'));
    await expect(retired).rejects.toThrow(DrainedByOther);
    expect(await drainsWhere('compensation_failed').begin(place, drain('op_s.1'))).toMatchObject(mine);
    expect(await drainsWhere('compensation_failed').begin(place, drain('op_s.1'))).toMatchObject(mine);
    expect((await here()).drain).not.toHaveProperty('turnedBackAt');
    // The first does nothing more to it.
    expect(await store.undrain(place, 'op_r.1', AT)).toMatchObject({ done: true, instance: mine });
    expect(await store.turnBack(place, 'op_r.1', AT)).toMatchObject({ done: false });
    await expect(drainsWhere('running').begin(place, drain('op_r.1'))).rejects.toThrow(HoldingEnded);
    expect(await store.claimCycle(place, 'op_s.1')).toMatchObject({ done: true, instance: mine });
  });

  test('that was not claimed is taken over as a drain', async () => {
    await store.beginDrain(place, drain('op_r.1'));
    const mine = { state: 'DRAINING', generation: 1, drain: { owner: 'op_s.1' } };
    expect(await drainsWhere('failed').begin(place, drain('op_s.1'))).toMatchObject(mine);
  });

  test('that brings up nothing healthy ends in quarantine, and from there only what is heard of comes back', async () => {
    await store.beginDrain(place, drain('op_r.1'));
    expect(await store.quarantine(place, 'op_r.1', AT)).toMatchObject({ done: false, instance: { state: 'DRAINING' } });
    await store.claimCycle(place, 'op_r.1');
    const quarantined = { done: true, instance: { state: 'QUARANTINED', drain: null } };
    expect(await store.quarantine(place, 'op_r.1', AT)).toMatchObject(quarantined);
    expect(await store.quarantine(place, 'op_r.1', AT)).toMatchObject(quarantined);
    await expect(store.acquire(id, lease('op_1.1'))).rejects.toThrow(InstanceDraining);
    await expect(store.beginDrain(place, drain('op_s.1'))).rejects.toThrow(InstanceDraining);

    expect(await store.recover(place, '2026-01-01T12:00:00.001Z')).toMatchObject({ done: false });
    const manual = (now: string) =>
      new ManualDrains(
        store,
        () => '1',
        () => new Date(now),
      );
    await expect(manual('2026-01-01T12:00:30.001Z').end(id)).rejects.toMatchObject({ code: 'conflict' });
    expect(await manual('2026-01-01T12:00:30.000Z').end(id)).toMatchObject({ state: 'ACTIVE' });
    expect(await listedAs()).toBe('ACTIVE');
  });

  test('by force cuts off what is held, and what was cut off neither works on nor comes back', async () => {
    await store.acquire(id, lease('op_1.1'));
    await store.acquire(id, lease('op_2.1'));
    await store.beginDrain(place, drain('op_r.1'));
    const forced = {
      done: true,
      instance: {
        state: 'CYCLING',
        generation: 2,
        busyCount: 0,
        leases: {},
        interrupted: { 'op_1.1': { kind: 'materialization', acquiredAt: AT }, 'op_2.1': expect.anything() },
      },
    };
    expect(await store.forceCycle(place, 'op_r.1', AT)).toMatchObject(forced);
    expect(await store.forceCycle(place, 'op_r.1', AT)).toMatchObject(forced);
    await expect(store.confirm(id, 'op_1.1', 1)).rejects.toThrow(LeaseLost);
    expect(await store.release(id, 'op_1.1', AT)).toMatchObject({ busyCount: 0 });
    await newTask();
    await store.reopen(place, 'op_r.1', ready, AT);
    await expect(store.acquire(id, lease('op_2.1'))).rejects.toThrow(HoldingEnded);
    expect(await store.acquire(id, lease('op_2.2'))).toMatchObject({ busyCount: 1 });
  });

  test('is not forced on an instance that the owner does not drain', async () => {
    await store.acquire(id, lease('op_1.1'));
    expect(await store.forceCycle(place, 'op_r.1', AT)).toMatchObject({ done: false, instance: { busyCount: 1 } });
  });
});

test('tombstones are few, however many leases there were: the oldest go first', async () => {
  const ended = Object.fromEntries(
    Array.from({ length: 127 }, (_, at) => [`op_${at}.1`, new Date(Date.parse(AT) + at).toISOString()]),
  );
  await table.documents.send(
    new UpdateCommand({
      TableName: table.tableName,
      Key: keyOf(id),
      UpdateExpression: 'SET ended = :ended',
      ExpressionAttributeValues: { ':ended': ended },
    }),
  );
  const leases = new Leases(store, { succeed: async () => {} }, () => new Date(Date.parse(AT) + 1_000));
  await leases.acquire(id, 'op_last', 'fork');
  await leases.release(id, 'op_last.1');
  const left = Object.keys((await here()).ended);
  expect(left).toHaveLength(64);
  expect(left).toContain('op_last.1');
  expect(left).not.toContain('op_0.1');
});

test('every instance is listed, in pages, whatever its state', async () => {
  const draining = await registerInstance(table, { instanceId: `${id}-draining`, tier: 'large' });
  await store.beginDrain(draining, drain('op_r.1'));
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ limit: 3, cursor });
    expect(page.items.length).toBeLessThanOrEqual(3);
    found.push(...page.items.map(({ instanceId }) => instanceId));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  expect(found).toEqual(expect.arrayContaining([id, `${id}-draining`]));
  expect(new Set(found).size).toBe(found.length);
});

test('whoever acquires, releases, drains, claims and forces at once, what is held is counted', {
  timeout: 120_000,
}, async () => {
  const names = ['op_1.1', 'op_2.1', 'op_3.1'] as const;
  const owners = ['op_r.1', 'op_s.1'] as const;
  const call = fc.oneof(
    fc.record({ call: fc.constant('acquire' as const), by: fc.constantFrom(...names) }),
    fc.record({ call: fc.constant('release' as const), by: fc.constantFrom(...names) }),
    fc.record({
      call: fc.constantFrom('beginDrain' as const, 'claimCycle' as const, 'undrain' as const, 'forceCycle' as const),
      by: fc.constantFrom(...owners),
    }),
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(call, { minLength: 2, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      async (bursts) => {
        run += 1;
        const there = await registerInstance(table, { instanceId: `raced-${run}` });
        for (const burst of bursts) {
          const before = await store.get(there.instanceId);
          const results = await Promise.allSettled(
            burst.map(({ call: name, by }) => {
              if (name === 'acquire') return store.acquire(there.instanceId, lease(by));
              if (name === 'release') return store.release(there.instanceId, by, AT);
              if (name === 'beginDrain') return store.beginDrain(there, drain(by));
              if (name === 'claimCycle') return store.claimCycle(there, by);
              return name === 'undrain' ? store.undrain(there, by, AT) : store.forceCycle(there, by, AT);
            }),
          );
          const after = await store.get(there.instanceId);
          if (before === undefined || after === undefined) throw new Error('gone');
          const held = Object.keys(after.leases);
          expect(after.busyCount).toBe(held.length);
          expect(after.generation - before.generation).toBe(
            after.state === 'CYCLING' && before.state !== 'CYCLING' ? 1 : 0,
          );
          if (after.state === 'CYCLING') expect(held).toEqual([]);
          expect(held.filter((name) => name in after.ended || name in before.ended)).toEqual([]);
          const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
          for (const failure of failures) {
            expect([HoldingEnded, InstanceDraining, DrainedByOther]).toContain((failure as Error).constructor);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});
