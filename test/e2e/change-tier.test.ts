import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../fixtures/runtime-process.ts';
import { Client, streamedEvents } from './client.ts';
import { openStores } from './stores.ts';

let directory: string;
let runtime: RuntimeProcess;
let client: Client;
let stores: ReturnType<typeof openStores>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-tiers-'));
  runtime = await startRuntimeProcess(directory, {
    GRAPHFLEET_TIERS: JSON.stringify([
      { tier: 'standard', minInstances: 1, maxInstances: 1, capacity: 10 },
      { tier: 'large', minInstances: 1, maxInstances: 1, capacity: 1 },
      { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 },
    ]),
  });
  client = new Client({ url: runtime.url, tokens: runtime.tokens, dataDirectory: directory });
  stores = openStores(client.target);
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const move = (graphId: string, tier: string, headers: Record<string, string> = {}) =>
  client.call(`/v1/graphs/${graphId}/tier`, { body: { tier }, headers });

const tierOf = async (graphId: string) => (await client.call(`/v1/graphs/${graphId}`)).body['tier'];

/** Queries one after another until it is told to stop; the answers that were not the graph's own. */
const queryAllTheTime = (graphId: string) => {
  let stopped = false;
  let answered = 0;
  const wrong: unknown[] = [];
  const ask = async () => {
    while (!stopped) {
      const { status, body } = await client.query(graphId, 'MATCH (c:Company) RETURN c.id');
      answered += 1;
      if (status !== 200 || JSON.stringify(body['rows']) !== '[["acme"]]') wrong.push(body);
    }
  };
  const asking = Promise.all([ask(), ask()]);
  return async () => {
    stopped = true;
    await asking;
    return { answered, wrong };
  };
};

test('a graph is moved to another tier and back while it answers every query', async () => {
  const { graphId } = await client.createGraph(companiesGraph());
  const stop = queryAllTheTime(graphId);
  const steps: unknown[] = [];
  for (const tier of ['large', 'standard', 'large', 'standard']) {
    const { status, body } = await move(graphId, tier);
    expect({ status, body }).toMatchObject({ status: 202, body: { kind: 'graph.change_tier', graphId } });
    const events = await client.follow(String(body['operationId']));
    expect(events.at(-1)).toMatchObject({ status: 'succeeded', detail: { result: { graphId, tier } } });
    expect(await tierOf(graphId)).toBe(tier);
    steps.push(events.map(({ type, step }) => step ?? type));
  }
  const { answered, wrong } = await stop();
  expect(wrong).toEqual([]);
  expect(answered).toBeGreaterThan(4);
  expect(steps[0]).toEqual(['accepted', 'takeTierSlot', 'loadSnapshot', 'switchTier', 'succeeded']);
});

/** Resolves when the operation waits in its tier's queue. */
const queued = async (operationId: string): Promise<void> => {
  for await (const event of streamedEvents(await client.stream(operationId, 0))) if (event.status === 'queued') return;
  throw new Error(`${operationId} did not come to wait.`);
};

test('a move for which there is no room waits in the queue, and goes on when there is some', async () => {
  const { graphId: inTheWay } = await client.createGraph(plainGraph({ tier: 'large' }));
  const { graphId } = await client.createGraph(companiesGraph());
  const { body } = await move(graphId, 'large');
  const operationId = String(body['operationId']);
  await queued(operationId);
  expect((await client.call(`/v1/operations/${operationId}`)).body).toMatchObject({ queue: { position: 1 } });
  expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
  expect(await move(graphId, 'xlarge')).toMatchObject({ status: 409, body: { code: 'conflict', operationId } });

  const deleted = await client.call(`/v1/graphs/${inTheWay}?backup=false`, { method: 'DELETE' });
  await client.follow(String(deleted.body['operationId']));
  expect((await client.follow(operationId)).at(-1)?.status).toBe('succeeded');
  expect(await tierOf(graphId)).toBe('large');
  const back = await move(graphId, 'standard');
  expect((await client.follow(String(back.body['operationId']))).at(-1)?.status).toBe('succeeded');
});

test('a move that is cancelled leaves the graph where it was, and free to move', async () => {
  const { graphId } = await client.createGraph(companiesGraph());
  const { body } = await move(graphId, 'xlarge');
  const operationId = String(body['operationId']);
  await queued(operationId);
  await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' });
  expect((await client.follow(operationId)).at(-1)?.status).toBe('cancelled');
  expect(await tierOf(graphId)).toBe('standard');
  expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
  const again = await move(graphId, 'large');
  expect((await client.follow(String(again.body['operationId']))).at(-1)?.status).toBe('succeeded');
});

test('a move is refused by what is in its way', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  expect(await move(graphId, 'standard')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(await move(graphId, 'shared')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(await move('kgnothing', 'large')).toMatchObject({ status: 404 });
  const other = { token: runtime.tokens.otherTenant, body: { tier: 'large' } };
  expect(await client.call(`/v1/graphs/${graphId}/tier`, other)).toMatchObject({ status: 404 });

  // Accepted, and not listed: nobody drives it.
  const creation = acceptedEvent();
  await stores.operations.putEvent(creation);
  const { graphId: unready } = await stores.graphs.create(graphRequestedBy(creation));
  expect(await move(unready, 'large')).toMatchObject({ status: 409, body: { code: 'graph_not_ready' } });

  const waiting = await move(graphId, 'xlarge', { 'idempotency-key': 'move-1' });
  const operationId = String(waiting.body['operationId']);
  const repeated = await move(graphId, 'xlarge', { 'idempotency-key': 'move-1' });
  expect(repeated).toMatchObject({ status: 202, body: waiting.body });
  expect(repeated.headers.get('idempotency-replayed')).toBe('true');
  expect(await move(graphId, 'large', { 'idempotency-key': 'move-1' })).toMatchObject({ status: 422 });
  await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' });
  await client.follow(operationId);
});
