import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { companiesGraph } from '../../fixtures/graph-requests.ts';
import { KillOrder } from '../../fixtures/kill-order.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { ONE_STANDARD_INSTANCE, type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { sampled } from '../../fixtures/sample.ts';
import { Client, type StreamedEvent } from '../client.ts';

let directory: string;
let order: KillOrder;
let runtime: RuntimeProcess;

const start = () => startRuntimeProcess(directory, { ...order.environment, GRAPHFLEET_TIERS: ONE_STANDARD_INSTANCE });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-recovery-'));
  order = new KillOrder(directory);
  runtime = await start();
});

afterEach(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const table = () => {
  const dynamodb = new DynamoDBClient({
    endpoint: runtime.endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return { documents: DynamoDBDocumentClient.from(dynamodb), tableName: 'graphfleet-control' };
};

/** The slots that are really held, and the snapshots that are really kept. */
const traces = async () => {
  const instances = new DynamoInstanceStore(table());
  const instance = await instances.get('inst-standard-1');
  const slots = Object.keys(await instances.readSlots('inst-standard-1'));
  const objects = await new DirectoryObjectStore(join(directory, 'objects')).list('graphs/');
  return { used: instance?.used, slots, objects };
};

/**
 * An instance that was killed a moment ago is not back yet: the answer says so, and that it may be asked again. The
 * test's own time limit ends it.
 */
const queryWhenServed = async (client: Client, graphId: string, cypher: string) => {
  for (;;) {
    const answer = await client.query(graphId, cypher);
    if (answer.status !== 503) return answer;
    expect(answer.body).toMatchObject({ code: 'unavailable', retryable: true });
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, Number(answer.headers.get('retry-after')) * 100);
    await promise;
  }
};

/** The operation ended well, or badly with nothing left of it; its log has no gap. */
const expectWholeOrUndone = async (client: Client, operationId: string, graphId: string, events: StreamedEvent[]) => {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  const found = await traces();
  expect(found.used).toBe(found.slots.length);
  const graph = await client.call(`/v1/graphs/${graphId}`);
  if (events.at(-1)?.status === 'succeeded') {
    expect(found.slots).toEqual([graphId]);
    expect(found.objects).toHaveLength(1);
    expect(graph.body).toMatchObject({ status: 'active', snapshotVersion: 1 });
    const answer = await queryWhenServed(client, graphId, 'MATCH (c:Company) RETURN c.id, c.founded');
    expect(answer.body).toMatchObject({ rows: [['acme', '1949-03-01']] });
  } else {
    expect(events.at(-1)?.status).toBe('failed');
    expect(found).toMatchObject({ slots: [], objects: [] });
    expect(graph.status).toBe(404);
  }
  expect((await client.call(`/v1/operations/${operationId}`)).body['seq']).toBe(events.length);
};

/**
 * An instance makes seven calls for a graph with an entity: three events, the pointer, an event, the lease, the report. After
 * one of them is as before the next.
 */
test.each(
  sampled([
    { call: 1, when: 'before' } as const,
    ...[1, 2, 3, 4, 5, 6, 7].map((call) => ({ call, when: 'after' }) as const),
  ]),
)('an instance that is killed (-9) $when its call $call loses nothing', async ({ call, when }) => {
  const client = new Client(runtime);
  await order.give({ role: 'instance', call, when });
  const { graphId, operationId, events } = await client.createGraph(companiesGraph());
  // After its last call, which is the report, the workflow may be over before it dies.
  await vi.waitFor(() => expect(order.wasCarriedOut).toBe(true), 20_000);
  await expectWholeOrUndone(client, operationId, graphId, events);
  expect(events.at(-1)?.status).toBe('succeeded');
});

/** From the put of the first event on: accept, workflow, steps. */
test.each(
  sampled([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).map(
    (call, at) => ({ call, when: at % 2 === 0 ? 'after' : 'before' }) as const,
  ),
)('a runtime that is killed (-9) $when its call $call goes on after a restart', async ({ call, when }) => {
  await order.give({ role: 'runtime', call, when });
  const headers = { 'idempotency-key': 'the-same-after-the-restart' };
  const first = await new Client(runtime)
    .call('/v1/graphs', { body: companiesGraph(), headers })
    .catch(() => undefined);
  await runtime.ended;
  runtime = await start();
  const client = new Client(runtime);
  // The client heard nothing, or a 202: in both cases the same call again is the same operation.
  const again = await client.call('/v1/graphs', { body: companiesGraph(), headers });
  expect(again.status).toBe(202);
  const { operationId, graphId } = again.body as { operationId: string; graphId: string };
  if (first !== undefined) expect(first.body).toEqual(again.body);
  const events = await client.follow(operationId);
  await expectWholeOrUndone(client, operationId, graphId, events);
  expect(events.at(-1)?.status).toBe('succeeded');
});

test('an accepted operation goes on after a restart without anyone asking again', async () => {
  const client = new Client(runtime);
  // The first event and the listing are written; the workflow is not started.
  await order.give({ role: 'runtime', action: 'StartExecution', call: 1, when: 'before' });
  await client.call('/v1/graphs', { body: companiesGraph() }).catch(() => undefined);
  await runtime.ended;
  runtime = await start();
  const restarted = new Client(runtime);
  const { body } = await restarted.call('/v1/operations');
  const [operation] = body['operations'] as { operationId: string; graphId: string }[];
  const events = await restarted.follow(operation?.operationId ?? '');
  expect(events.at(-1)?.status).toBe('succeeded');
});

test('after a restart the same queries have the same answers', async () => {
  const before = new Client(runtime);
  const { graphId, operationId } = await before.createGraph(companiesGraph());
  const cypher = 'MATCH (c:Company) RETURN c.id, c.founded, c.revenue, c.employees';
  const { durationMs: _one, ...first } = (await before.query(graphId, cypher)).body;
  await runtime.stop();
  // The instances are caches: what they held on disk may be gone.
  await rm(join(directory, 'ecs', 'services'), { recursive: true, force: true });
  runtime = await start();
  const after = new Client(runtime);
  const { durationMs: _two, ...second } = (await after.query(graphId, cypher)).body;
  expect(second).toEqual(first);
  expect((await after.follow(operationId)).at(-1)?.status).toBe('succeeded');
});

test('a step that can not succeed is undone with all before it, and leaves nothing', async () => {
  const client = new Client(runtime);
  const key = 'its-claim-is-lost';
  const operationId = operationIdFor('acme', key);
  // The record is the operation's, but another writer has the claim: the snapshot is built and then refused.
  const graph = graphRequestedBy(acceptedEvent({ operationId }));
  await new DynamoGraphStore(table()).create({ ...graph, placement: 'inst-standard-1', writer: 'op_another.1' });

  const { body } = await client.call('/v1/graphs', { body: companiesGraph(), headers: { 'idempotency-key': key } });
  const events = await client.follow(operationId);
  expect(body['graphId']).toBe(graph.graphId);
  expect(events.slice(-2).map(({ type, status }) => [type, status])).toEqual([
    ['compensating', 'compensating'],
    ['failed', 'failed'],
  ]);
  await expectWholeOrUndone(client, operationId, graph.graphId, events);
  expect((await client.call(`/v1/operations/${operationId}`)).body).toMatchObject({
    status: 'failed',
    percent: 40,
    result: null,
    error: { code: 'conflict', retryable: false },
  });
});
