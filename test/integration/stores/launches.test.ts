import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceLaunchStore } from '../../../domain/fleet/dynamo-instance-launch-store.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { GONE_MINUTES } from '../../../domain/fleet/graph-rescue.ts';
import { Launches } from '../../../domain/fleet/launches.ts';
import type { Tier } from '../../../domain/fleet/tier.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const CAPACITY = 10;

let table: Awaited<ReturnType<typeof startControlTable>>['table'];
let close: () => Promise<void>;
beforeAll(async () => ({ table, close } = await startControlTable()));
afterAll(() => close());

let wanted: Tier;
let started: string[];
let instances: DynamoInstanceStore;
let launchStore: DynamoInstanceLaunchStore;
let queue: DynamoCapacityQueue;
let log: OperationLog;
let count = 0;

beforeEach(() => {
  count += 1;
  wanted = { tier: `launch${count}` as Tier['tier'], minInstances: 0, maxInstances: 3, capacity: CAPACITY };
  started = [];
  instances = new DynamoInstanceStore(table);
  launchStore = new DynamoInstanceLaunchStore(table);
  queue = new DynamoCapacityQueue(table);
  log = new OperationLog(new DynamoOperationStore(table));
});

const newLaunches = (workflows: Partial<Workflows> = {}, now = new Date(AT)) =>
  new Launches(
    {
      tiers: {
        list: async () => [wanted],
        get: async () => wanted,
        put: async () => wanted,
        putFirstImage: async (_tier, image) => image,
      },
      instances,
      launches: launchStore,
      queue,
      operations: log,
      commands: new OperationCommands(log, {
        start: async ({ operationId }) => void started.push(operationId),
        stop: async () => {},
        stateOf: async () => 'running',
        ...workflows,
      }),
      newOperationId: () => operationIdFor('~fleet', undefined),
    },
    () => now,
  );

const register = (name: string) =>
  instances.register(
    {
      instanceId: name,
      tier: wanted.tier,
      endpoint: 'e',
      image: 'i',
      taskArn: 'task',
      capacity: CAPACITY,
      generation: 1,
    },
    AT,
  );

const haveWaiting = async (howMany: number) => {
  for (let number = 0; number < howMany; number += 1) {
    const operationId = operationIdFor('acme', undefined);
    const own = { graphId: 'kg', tenantId: 'acme', createdAt: AT, taskToken: 'token', enqueuedAt: AT };
    await queue.put(wanted.tier, { operationId, ...own });
  }
};

const names = async () => (await instances.listAll(wanted.tier)).map(({ instanceId }) => instanceId).sort();
const named = (...numbers: number[]) => numbers.map((number) => `inst-${wanted.tier}-${number}`);

test('an instance that is gone does not count: its tier gets another, and places for its graphs', async () => {
  wanted = { ...wanted, minInstances: 1, maxInstances: 1 };
  const [gone = ''] = named(1);
  const instance = await register(gone);
  for (let graph = 0; graph < CAPACITY; graph += 1) await instances.takeSlot(gone, `kg${graph}`, 'op');
  if (instance) await instances.quarantineSilent(instance);
  const at = (minutes: number) => new Date(Date.parse(AT) + minutes * 60_000);
  expect(await newLaunches({}, at(GONE_MINUTES)).keep(wanted.tier)).toBe(0);
  expect(await newLaunches({}, at(GONE_MINUTES + 1)).keep(wanted.tier)).toBe(1);
  expect(await names()).toEqual(named(1, 2));
  expect(await newLaunches({}, at(GONE_MINUTES + 1)).keep(wanted.tier)).toBe(0);
});

test('a tier gets its minimum, each instance by an operation of the fleet, however many run at once', async () => {
  wanted = { ...wanted, minInstances: 2 };
  await Promise.all([
    newLaunches().keep(wanted.tier),
    newLaunches().keep(wanted.tier),
    newLaunches().keep(wanted.tier),
  ]);
  expect(await names()).toEqual(named(1, 2));
  expect(new Set(started).size).toBe(2);
  const [instance] = await instances.listByTier(wanted.tier, 'LAUNCHING');
  expect(await log.get(instance?.launch?.operationId ?? '')).toMatchObject({
    kind: 'instance.launch',
    tenantId: '~fleet',
  });
});

test('a launch whose claimant died before it opened the operation is opened by the next run', async () => {
  wanted = { ...wanted, minInstances: 1 };
  const [instanceId = ''] = named(1);
  const operationId = operationIdFor('~fleet', undefined);
  await launchStore.claim({ instanceId, tier: wanted.tier, operationId, capacity: CAPACITY }, AT);
  expect(await log.find(operationId)).toBeUndefined();
  await newLaunches().keep(wanted.tier);
  expect(started).toEqual([operationId]);
  expect((await log.first(operationId)).request).toEqual({ instanceId, tier: wanted.tier });
});

test.each([
  { waiting: 0, launched: [] },
  { waiting: 1, launched: [2] },
  { waiting: 10, launched: [2] },
  { waiting: 11, launched: [2, 3] },
  { waiting: 100, launched: [2, 3] },
])(
  'for $waiting that wait at a full instance: $launched, and no more than the maximum',
  async ({ waiting, launched }) => {
    const [first = ''] = named(1);
    await register(first);
    for (let slot = 0; slot < CAPACITY; slot += 1) await instances.takeSlot(first, `kg${slot}`, 'op_other');
    await haveWaiting(waiting);
    await newLaunches().keep(wanted.tier);
    expect(await names()).toEqual(named(1, ...launched));
  },
);

test('an instance that is launching counts as room: a second run launches no other', async () => {
  await haveWaiting(5);
  await newLaunches().keep(wanted.tier);
  await newLaunches().keep(wanted.tier);
  expect(await names()).toEqual(named(1));
});

test('a silent instance is no room: those that wait get another', async () => {
  const [first = ''] = named(1);
  const silent = await register(first);
  if (silent) await instances.quarantineSilent(silent);
  await haveWaiting(1);
  await newLaunches().keep(wanted.tier);
  expect(await names()).toEqual(named(1, 2));
});

test('an operator launches up to the maximum, and hears when it is reached', async () => {
  wanted = { ...wanted, maxInstances: 2 };
  const launches = newLaunches();
  const ask = (operationId: string) => launches.launch(wanted.tier, { operationId, actor: 'olga' });
  const [one, two, three] = [1, 2, 3].map(() => operationIdFor('~fleet', undefined)) as [string, string, string];
  await ask(one);
  // The same call again is the same launch.
  expect((await ask(one)).replayed).toBe(true);
  await ask(two);
  await expect(ask(three)).rejects.toMatchObject({ name: 'Refusal', code: 'conflict' });
  expect(await names()).toEqual(named(1, 2));
});

test('an instance that is launching takes no graphs, and does when it has registered', async () => {
  await haveWaiting(1);
  await newLaunches().keep(wanted.tier);
  const [first = ''] = named(1);
  expect(await instances.takeSlot(first, 'kg1', 'op_1')).toBe(false);
  expect(await register(first)).toMatchObject({ state: 'ACTIVE', launch: { operationId: started[0] } });
  expect(await instances.takeSlot(first, 'kg1', 'op_1')).toBe(true);
  expect(await instances.listByTier(wanted.tier, 'LAUNCHING')).toEqual([]);
  expect(await instances.listByTier(wanted.tier, 'ACTIVE')).toHaveLength(1);
});

test('a token that is left before the registration is found by it, and the other way round', async () => {
  await haveWaiting(1);
  await newLaunches().keep(wanted.tier);
  const [[first = ''], [operationId = '']] = [named(1), started];
  expect(await launchStore.awaitRegistration(first, 'op_another', 'theirs')).toBeUndefined();
  expect(await launchStore.awaitRegistration(first, operationId, 'token')).toMatchObject({ state: 'LAUNCHING' });
  expect(await register(first)).toMatchObject({ launch: { taskToken: 'token' } });
  expect(await launchStore.awaitRegistration(first, operationId, 'again')).toMatchObject({ state: 'ACTIVE' });
});

test('a launch that is undone leaves nothing, unless its instance holds a graph: that stays', async () => {
  await haveWaiting(11);
  await newLaunches().keep(wanted.tier);
  const [first = '', second = ''] = named(1, 2);
  const launchOf = async (instanceId: string) => (await instances.get(instanceId))?.launch?.operationId ?? '';
  const [one, two] = [await launchOf(first), await launchOf(second)];
  await register(first);
  await instances.takeSlot(first, 'kg1', 'op_1');
  const giveUp = (instanceId: string, operationId: string) =>
    launchStore.giveUp({ instanceId, tier: wanted.tier, operationId });
  expect(await giveUp(first, one)).toBe(false);
  expect(await giveUp(second, one)).toBe(false);
  expect(await giveUp(second, two)).toBe(true);
  // Its task was on its way up: it registers, and takes no graphs all the same.
  expect(await register(second)).toMatchObject({ state: 'QUARANTINED', quarantineReason: 'launch_failed' });
  expect(await instances.takeSlot(second, 'kg2', 'op_2')).toBe(false);
  await launchStore.remove(first, one);
  await launchStore.remove(second, two);
  expect(await names()).toEqual(named(1));
});

test('a repeated call claims no name: not when its instance is gone, and not of another tier', async () => {
  const operationId = operationIdFor('~fleet', undefined);
  const ask = () => newLaunches().launch(wanted.tier, { operationId, actor: 'olga' });
  await ask();
  const launched = { instanceId: named(1)[0] ?? '', tier: wanted.tier, operationId };
  await launchStore.giveUp(launched);
  await launchStore.remove(launched.instanceId, operationId);
  expect((await ask()).replayed).toBe(true);
  expect(await names()).toEqual([]);

  wanted = { ...wanted, tier: `${wanted.tier}-other` as Tier['tier'] };
  await expect(ask()).rejects.toMatchObject({ name: 'Refusal', code: 'idempotency_key_reused' });
  expect(await names()).toEqual([]);
});

test('an operator whose call comes twice at once launches one instance', async () => {
  const operationId = operationIdFor('~fleet', undefined);
  const ask = () => newLaunches().launch(wanted.tier, { operationId, actor: 'olga' });
  await Promise.all([ask(), ask(), ask()]);
  expect(await names()).toEqual(named(1));
  expect((await log.first(operationId)).request).toMatchObject({ instanceId: named(1)[0] });
});
