import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { operationIdFor } from '../../../domain/identifier.ts';
import { operationIdOfLease } from '../../../domain/lease/lease.ts';
import type { OperationRequest } from '../../../domain/operation/operation-commands.ts';
import { inconsistencies } from '../../fixtures/consistency.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { askForGraph } from './machines/provision-graph.ts';
import { askForRefresh, NEW_IMAGE } from './machines/refresh-instance.ts';
import { IMAGE, openStage, type Stage } from './stage.ts';

const A_MINUTE_MS = 60_000;
const ROUNDS = 20;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());
afterEach(() => {
  vi.useRealTimers();
  stage.mute.clear();
});

type Refresh = Awaited<ReturnType<typeof askForRefresh>>;

const instanceOf = async ({ request }: Refresh) => {
  const instance = await stage.leases.get(request.instanceId);
  if (instance === undefined) throw new Error('It is gone.');
  return instance;
};
const begin = async (refresh: OperationRequest, until: string): Promise<void> => {
  await stage.commands.accept(refresh);
  await stage.until(() => visitsOf(refresh, until) > 0);
};
const visitsOf = ({ operationId }: OperationRequest, state: string): number =>
  (stage.faults.visited.get(operationId) ?? []).filter((visited) => visited === state).length;
const endOf = async ({ operationId }: OperationRequest) => {
  await stage.finish(operationId);
  return stage.log.last(operationId);
};
const run = async (refresh: OperationRequest) => {
  await stage.commands.accept(refresh);
  return endOf(refresh);
};

/** Work of some operation on the instance of a refresh. */
const busyWith = async ({ request }: Refresh): Promise<{ leaseId: string; end: () => Promise<void> }> => {
  const operationId = operationIdFor('acme', undefined);
  await stage.log.open({ ...acceptedEvent(), operationId, message: 'Accepted', actor: 'ada' });
  await stage.holdings.acquire(request.instanceId, operationId, 'materialization');
  const leaseId = `${operationId}.1`;
  return { leaseId, end: () => stage.holdings.release(request.instanceId, leaseId) };
};

/** Lets so many minutes pass, for the workflows and for the functions. */
const pass = async (minutes: number): Promise<void> => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * A_MINUTE_MS });
  const until = stage.clock.now() + A_MINUTE_MS;
  while (stage.clock.nextAt !== undefined && stage.clock.nextAt <= until) {
    stage.clock.advanceTo(stage.clock.nextAt);
    await stage.activity.settled();
  }
};

test('an instance with the wanted image is left alone: nobody drains it, and its task goes on', async () => {
  const refresh = await askForRefresh(stage, { toImage: IMAGE });
  const work = await busyWith(refresh);
  expect(await run(refresh)).toMatchObject({ status: 'succeeded', result: { outcome: 'unchanged', fromImage: IMAGE } });
  expect(await instanceOf(refresh)).toMatchObject({ state: 'ACTIVE', generation: 1, ended: {} });
  expect(stage.startsOf(refresh.request.instanceId)).toEqual([1]);
  await work.end();
});

test('it is cycled all the same when a restart is forced', async () => {
  const refresh = await askForRefresh(stage, { toImage: IMAGE, forceRestart: true });
  expect(await run(refresh)).toMatchObject({ status: 'succeeded', result: { outcome: 'refreshed', toImage: IMAGE } });
  expect(stage.startsOf(refresh.request.instanceId)).toEqual([1, 2]);
});

test('a busy instance is waited for, and cycled when the last lease ends, without a look in between', async () => {
  const refresh = await askForRefresh(stage);
  const { instanceId } = refresh.request;
  const works = [await busyWith(refresh), await busyWith(refresh)];
  await begin(refresh, 'AwaitIdle');
  await stage.activity.settled();
  expect(await stage.log.last(refresh.operationId)).toMatchObject({
    status: 'running',
    message: expect.stringContaining(instanceId),
    detail: {
      waitsFor: {
        instance: instanceId,
        leases: 2,
        oldest: { operationId: operationIdOfLease(works[0]?.leaseId ?? ''), kind: 'materialization' },
        since: (await instanceOf(refresh)).drain?.since,
      },
    },
  });
  expect(stage.startsOf(instanceId)).toEqual([1]);
  const atLast = stage.clock.now();
  for (const work of works) await work.end();
  const last = await endOf(refresh);
  expect(last).toMatchObject({
    status: 'succeeded',
    result: { outcome: 'refreshed', busyAtStart: 2, interrupted: [] },
  });
  expect(visitsOf(refresh, 'AwaitIdle')).toBe(1);
  expect(stage.clock.now() - atLast).toBeLessThan(A_MINUTE_MS);
  expect(stage.startsOf(instanceId)).toEqual([1, 2]);
});

test('a refresh that nobody woke looks by itself, and tells of its wait only what has changed', async () => {
  const refresh = await askForRefresh(stage);
  const { instanceId } = refresh.request;
  const [one, other] = [await busyWith(refresh), await busyWith(refresh)];
  await begin(refresh, 'AwaitIdle');
  for (const looks of [2, 3, 4]) await stage.until(() => visitsOf(refresh, 'AwaitIdle') === looks);
  await one.end();
  for (const looks of [5, 6]) await stage.until(() => visitsOf(refresh, 'AwaitIdle') === looks);
  // Released by somebody who died before anybody was woken.
  await stage.leases.release(instanceId, other.leaseId, new Date().toISOString());
  const { seq } = await endOf(refresh);
  const events = await stage.log.events(refresh.operationId, 0, seq);
  const waits = events.flatMap(({ detail }) => (detail['waitsFor'] as { leases: number } | undefined)?.leases ?? []);
  expect(waits).toEqual([2, 1]);
  expect(events.at(-1)).toMatchObject({ status: 'succeeded', result: { outcome: 'refreshed' } });
});

test.each([
  ['defer', { status: 'partial', result: { outcome: 'deferred', busyAtStart: 1, interrupted: [], error: null } }],
  ['fail', { status: 'failed', error: { code: 'conflict', message: expect.stringContaining('busy for 30 minutes') } }],
] as const)(
  'at the deadline of a wait that ends with %s the gate is opened for the work to go on',
  async (onDeadline, end) => {
    const refresh = await askForRefresh(stage, { onDeadline });
    const work = await busyWith(refresh);
    await begin(refresh, 'AwaitIdle');
    await pass(29);
    expect((await instanceOf(refresh)).state).toBe('DRAINING');
    await pass(2);
    expect(await endOf(refresh)).toMatchObject(end);
    const instance = await instanceOf(refresh);
    expect(instance).toMatchObject({ state: 'ACTIVE', generation: 1, busyCount: 1, drain: null });
    expect(stage.startsOf(refresh.request.instanceId)).toEqual([1]);
    await work.end();
  },
);

test.each([
  ['at the deadline of a wait that ends with force', { onDeadline: 'force' }],
  ['at once when the work is to be ignored', { forceIgnoreBusy: true }],
] as const)('%s it is cut off, and the log tells what and why', async (_, policy) => {
  const refresh = await askForRefresh(stage, { ...policy, reason: 'CVE-1' });
  const work = await busyWith(refresh);
  await stage.commands.accept(refresh);
  if ('onDeadline' in policy) {
    await stage.until(() => visitsOf(refresh, 'AwaitIdle') > 0);
    await pass(31);
  }
  const { seq, ...last } = await endOf(refresh);
  const interrupted = [operationIdOfLease(work.leaseId)];
  expect(last).toMatchObject({ status: 'succeeded', result: { outcome: 'forced', interrupted, busyAtStart: 1 } });
  const events = await stage.log.events(refresh.operationId, 0, seq);
  expect(events.find(({ step }) => step === 'claimCycle')?.detail).toMatchObject({
    forced: true,
    reason: 'CVE-1',
    interrupted,
  });
  await expect(stage.leases.confirm(refresh.request.instanceId, work.leaseId, 1)).rejects.toThrow();
  expect(await instanceOf(refresh)).toMatchObject({ state: 'ACTIVE', generation: 2, busyCount: 0 });
});

test.each([
  ['skip', { status: 'partial', result: { outcome: 'skipped', busyAtStart: 1 } }],
  ['fail', { status: 'failed', error: { code: 'conflict', message: expect.stringContaining('is busy') } }],
] as const)('a busy instance is left to its work when the policy is to %s', async (onBusy, end) => {
  const refresh = await askForRefresh(stage, { onBusy });
  const work = await busyWith(refresh);
  expect(await run(refresh)).toMatchObject(end);
  expect(await instanceOf(refresh)).toMatchObject({ state: 'ACTIVE', generation: 1, busyCount: 1, drain: null });
  await work.end();
});

test('a task that never registers is rolled back to the image before', async () => {
  const refresh = await askForRefresh(stage);
  const { instanceId } = refresh.request;
  stage.mute.add(NEW_IMAGE);
  await begin(refresh, 'AwaitTask');
  await pass(11);
  expect(await endOf(refresh)).toMatchObject({
    status: 'failed',
    error: { code: 'unavailable', message: expect.stringContaining('has registered in 600 s') },
  });
  expect(await instanceOf(refresh)).toMatchObject({ state: 'ACTIVE', image: IMAGE, generation: 3, drain: null });
  expect(stage.startsOf(instanceId)).toEqual([1, 3]);
  expect(await stage.services.describe(instanceId)).toMatchObject({ image: IMAGE, generation: 3 });
});

test('when the rollback does not register either the instance is in quarantine, and the operation has failed', async () => {
  const refresh = await askForRefresh(stage);
  const { instanceId } = refresh.request;
  stage.mute.add(NEW_IMAGE).add(IMAGE);
  await begin(refresh, 'AwaitTask');
  await pass(11);
  await stage.until(() => visitsOf(refresh, 'RollBackTask') > 0);
  await pass(11);
  expect(await endOf(refresh)).toMatchObject({ status: 'failed' });
  expect(await stage.instances.get(instanceId)).toMatchObject({
    state: 'QUARANTINED',
    quarantineReason: 'cycle_failed',
    drain: null,
  });
});

test('work that a forced cycle has cut off is done again after it, by itself, and its lost run changes nothing', async () => {
  const asked = await askForRefresh(stage, { forceIgnoreBusy: true, reason: 'CVE-2' });
  const instanceId = 'inst-xlarge-2';
  await stage.launch(instanceId, 'xlarge');
  const refresh: Refresh = { ...asked, request: { ...asked.request, tier: 'xlarge', instanceId } };
  await stage.setCapacity('inst-xlarge-1', 0);
  const graph = askForGraph({ tier: 'xlarge' });
  const { operationId, graphId } = graph;
  const lost = Promise.withResolvers<void>();
  stage.heldJobs.set(operationId, lost.promise);
  await begin(graph, 'BuildGraph');
  await stage.activity.settled();
  expect(await instanceOf(refresh)).toMatchObject({ busyCount: 1 });
  stage.heldJobs.delete(operationId);
  stage.killed.add(instanceId);

  expect(await run(refresh)).toMatchObject({ result: { outcome: 'forced', interrupted: [operationId] } });
  expect(await endOf(graph)).toMatchObject({ status: 'succeeded', attempt: 1, error: null });
  expect(visitsOf(graph, 'BuildGraph')).toBeGreaterThan(1);
  const built = await stage.graphs.get(graphId ?? '');
  expect(built).toMatchObject({ status: 'active', placement: instanceId, writer: null });

  lost.resolve();
  await stage.activity.settled();
  expect(await stage.graphs.get(graphId ?? '')).toEqual(built);
  expect(inconsistencies(await stage.world()).filter((sentence) => sentence.includes(instanceId))).toEqual([]);
});

test('the time from the last release to the cycle is told', { timeout: 120_000 }, async () => {
  const milliseconds: Record<'claimed' | 'stopping', number[]> = { claimed: [], stopping: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const refresh = await askForRefresh(stage);
    const work = await busyWith(refresh);
    await begin(refresh, 'AwaitIdle');
    await stage.activity.settled();
    const released = Date.now();
    await work.end();
    const { seq } = await endOf(refresh);
    const events = await stage.log.events(refresh.operationId, 0, seq);
    const claimedAt = events.find(({ step }) => step === 'claimCycle')?.at ?? '';
    milliseconds.claimed.push(Date.parse(claimedAt) - released);
    milliseconds.stopping.push(Date.parse(stage.stoppedAt(refresh.request.instanceId) ?? '') - released);
  }
  for (const [what, each] of Object.entries(milliseconds)) {
    const sorted = each.toSorted((left, right) => left - right);
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
    console.log(`Last release to ${what}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, of ${sorted.length}`);
    expect(sorted).toHaveLength(ROUNDS);
  }
});

test('an instance that is not there is told so, and nothing is left to undo', async () => {
  const refresh = await askForRefresh(stage);
  const request = { ...refresh.request, instanceId: 'inst-large-none' };
  expect(await run({ ...refresh, request })).toMatchObject({ status: 'failed', error: { code: 'not_found' } });
});

test('a manual drain is nobody else’s: the refresh fails and says whose it is', async () => {
  const refresh = await askForRefresh(stage);
  const { instanceId, tier } = refresh.request;
  const since = new Date().toISOString();
  await stage.leases.beginDrain({ instanceId, tier }, { owner: 'manual-1.1', reason: 'Disk', since });
  expect(await run(refresh)).toMatchObject({
    status: 'failed',
    error: { code: 'instance_draining', message: expect.stringContaining('manual-1.1') },
  });
  expect((await instanceOf(refresh)).drain?.owner).toBe('manual-1.1');
});
