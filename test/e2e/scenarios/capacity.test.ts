import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MOST_COUNTED } from '../../../domain/fleet/capacity-queue.ts';
import { DynamoCapacityQueue } from '../../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { inconsistencies, readWorld } from '../../fixtures/consistency.ts';
import { plainGraph } from '../../fixtures/graph-requests.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client } from '../client.ts';

const CREATES = 200;
const CREATES_WITH_KILLS = 70;
const INSTANCES = 3;
const SLOTS = 10;
const LOOK_AGAIN_MS = 250;
const PLACES = INSTANCES * SLOTS;
const none = (tier: string) => ({ tier, minInstances: 0, maxInstances: 0, capacity: 1 });
const tiers = (maxInstances: number, capacity: number) =>
  JSON.stringify([
    { tier: 'standard', minInstances: INSTANCES, maxInstances, capacity },
    none('large'),
    none('xlarge'),
  ]);
/** Two more instances, with room for all that wait. */
const MORE = { minInstances: INSTANCES, maxInstances: INSTANCES + 2, capacity: 90 };

let directory: string;
let runtime: RuntimeProcess;
let client: Client;

const start = async (own: Record<string, string> = {}) => {
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: tiers(INSTANCES, SLOTS), ...own });
  client = new Client(runtime);
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-capacity-'));
  await start();
});

afterEach(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

type Operation = {
  operationId: string;
  graphId: string;
  status: string;
  createdAt: string;
  queue: { position: number } | null;
};

/** Two hundred at once on two cores that others use too can be too much for now: the same call again is the same operation. */
const create = async (number: number): Promise<string> => {
  const headers = { 'idempotency-key': `graph-${number}` };
  const { status, body } = await client.call('/v1/graphs', { body: plainGraph({ name: `Graph ${number}` }), headers });
  if (status >= 500) return create(number);
  expect({ status, body }).toMatchObject({ status: 202 });
  return body['operationId'] as string;
};

const createAll = (count: number) => Promise.all(Array.from({ length: count }, (_, number) => create(number)));

const get = async (operationId: string) => (await client.call(`/v1/operations/${operationId}`)).body as Operation;

/** How many wait in the queue, and how many operations are not over: read cheaply, because it is read often. */
const openAndWaiting = async () => {
  const [{ items }, waiting] = await Promise.all([
    new DynamoOperationStore(table()).listOpen({ limit: 1_000 }),
    new DynamoCapacityQueue(table()).count('standard', MOST_COUNTED),
  ]);
  return { open: items.length, waiting };
};

/** Nothing is under way but the operations that wait. */
const untilWaiting = async (count: number): Promise<void> => {
  await until(openAndWaiting, ({ open, waiting }) => open === count && waiting === count);
};

/** The operations once just so many wait and their logs say so: the place in the queue is taken first. */
const untilQueued = async (operationIds: readonly string[], count: number): Promise<Operation[]> => {
  await untilWaiting(count);
  return until(
    () => readAll(operationIds),
    (found) => those(found, 'queued').length === count,
  );
};

const readAll = (operationIds: readonly string[]) => Promise.all(operationIds.map(get));

/** Looks again until what is wanted is so; the test's own time limit ends it. */
const until = async <Found>(look: () => Promise<Found>, isSo: (found: Found) => boolean): Promise<Found> => {
  for (;;) {
    const found = await look();
    if (isSo(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
};

const table = () => {
  const dynamodb = new DynamoDBClient({
    endpoint: runtime.endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return { documents: DynamoDBDocumentClient.from(dynamodb), tableName: 'graphfleet-control' };
};

const those = (operations: readonly Operation[], status: string) =>
  operations.filter((operation) => operation.status === status);

const inOrder = (operations: readonly Operation[]) =>
  operations.toSorted((one, other) => {
    const place = ({ createdAt, operationId }: Operation) => `${createdAt}#${operationId}`;
    return place(one) < place(other) ? -1 : 1;
  });

/** Those that wait, in the order in which they were accepted; their positions are counted out from 1. */
const queueOf = (operations: readonly Operation[]): string[] => {
  const queued = inOrder(those(operations, 'queued'));
  expect(queued.map(({ queue }) => queue?.position)).toEqual(queued.map((_, at) => at + 1));
  return queued.map(({ operationId }) => operationId);
};

/** Nothing lost: every graph that was not cancelled is active, in the one slot that its record names. */
const expectWhole = async (operationIds: readonly string[], gone: number) => {
  const found = await readWorld(table(), new DirectoryObjectStore(join(directory, 'objects')));
  expect(inconsistencies(found)).toEqual([]);
  const slots = found.instances.flatMap((instance) => Object.keys(instance.slots));
  expect(slots).toHaveLength(operationIds.length - gone);
  expect(new Set(slots).size).toBe(slots.length);
  expect([...found.graphs.values()].map(({ graphId }) => graphId).sort()).toEqual(slots.sort());
  expect(found.items.filter(({ sk }) => sk.startsWith('QUEUE#'))).toEqual([]);
};

test('200 creates at once over 3 instances of 10 slots: 30 are placed, 170 wait in order, and all get a place in the end', async () => {
  const operationIds = await createAll(CREATES);
  const settled = await untilQueued(operationIds, CREATES - PLACES);
  const queue = queueOf(settled);
  expect(queue).toHaveLength(CREATES - PLACES);
  expect((await client.call('/v1/capacity?tier=standard')).body).toMatchObject({ state: 'at_capacity' });

  // Those that are cancelled leave the queue, and those behind move up.
  const cancelled = [queue[0], queue[4], queue[80]] as string[];
  await Promise.all(cancelled.map((operationId) => client.call(`/v1/operations/${operationId}`, { method: 'DELETE' })));
  for (const operationId of cancelled) expect((await client.follow(operationId)).at(-1)?.status).toBe('cancelled');
  const left = queue.filter((operationId) => !cancelled.includes(operationId));
  expect(queueOf(await readAll(operationIds))).toEqual(left);

  // Slots that are freed go to those that have waited longest.
  const removed = those(settled, 'succeeded').slice(0, 8);
  await Promise.all(removed.map(({ graphId }) => client.call(`/v1/graphs/${graphId}`, { method: 'DELETE' })));
  const moved = await untilQueued(operationIds, left.length - removed.length);
  expect(queueOf(moved)).toEqual(left.slice(removed.length));

  // The rest get the slots of instances that are launched as soon as there may be more.
  const set = await client.call('/v1/fleet/tiers/standard', {
    method: 'PUT',
    body: MORE,
    token: runtime.tokens.operator,
  });
  expect(set).toMatchObject({ status: 200, body: { tier: 'standard', ...MORE } });
  await untilWaiting(0);
  expect(those(await readAll(operationIds), 'succeeded')).toHaveLength(CREATES - cancelled.length);
  await expectWhole(operationIds, cancelled.length + removed.length);
}, 300_000);

test('the same with 70, when the runtime is killed (-9) while they come in, and again while the queue is served', async () => {
  const coming = Promise.allSettled(Array.from({ length: CREATES_WITH_KILLS }, (_, number) => create(number)));
  await until(openAndWaiting, ({ open }) => open > CREATES_WITH_KILLS / 4);
  await runtime.kill();
  await coming;
  await start();

  // Whoever heard nothing asks again with the same key.
  const operationIds = await createAll(CREATES_WITH_KILLS);
  const queue = queueOf(await untilQueued(operationIds, CREATES_WITH_KILLS - PLACES));
  expect(queue).toHaveLength(CREATES_WITH_KILLS - PLACES);

  const body = { ...MORE };
  await client.call('/v1/fleet/tiers/standard', { method: 'PUT', body, token: runtime.tokens.operator });
  await until(
    () => get(queue[4] ?? ''),
    ({ status }) => status !== 'queued',
  );
  await runtime.kill();
  await start({ GRAPHFLEET_TIERS: tiers(MORE.maxInstances, MORE.capacity) });
  // Cancelled, if it is not too late, it takes the place of nobody, and whoever is undone serves those that wait.
  const last = queue.at(-1) ?? '';
  await client.call(`/v1/operations/${last}`, { method: 'DELETE' });
  await untilWaiting(0);
  const cancelled = (await get(last)).status === 'cancelled' ? 1 : 0;
  expect(those(await readAll(operationIds), 'succeeded')).toHaveLength(CREATES_WITH_KILLS - cancelled);
  await expectWhole(operationIds, cancelled);
}, 300_000);
