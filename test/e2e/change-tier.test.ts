import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { writerOf } from '../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { untilWaiting, wantApproval } from './approval.ts';
import { Client } from './client.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);

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

describe('a move that waits for an operator', () => {
  wantApproval(client);

  test('leaves the graph where it was when it is cancelled, and can be asked for again', async () => {
    const { graphId } = await client.createGraph(companiesGraph());
    const { body } = await move(graphId, 'large');
    const operationId = String(body['operationId']);
    await untilWaiting(client, operationId);
    expect((await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' })).status).toBe(202);
    expect((await client.follow(operationId)).at(-1)?.status).toBe('cancelled');
    expect(await tierOf(graphId)).toBe('standard');
    expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
    const again = String((await move(graphId, 'large')).body['operationId']);
    await untilWaiting(client, again);
    const answer = { body: { answer: 'approve' }, token: client.target.tokens.operator };
    expect((await client.call(`/v1/operations/${again}/resume`, answer)).status).toBe(202);
    expect((await client.follow(again)).at(-1)?.status).toBe('succeeded');
    expect(await tierOf(graphId)).toBe('large');
  });
});

test('a move is refused by what is in its way', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  expect(await move(graphId, 'standard')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(await move(graphId, 'shared')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(await move('kgnothing', 'large')).toMatchObject({ status: 404 });
  const other = { token: client.target.tokens.otherTenant, body: { tier: 'large' } };
  expect(await client.call(`/v1/graphs/${graphId}/tier`, other)).toMatchObject({ status: 404 });

  // Accepted, and not listed: nobody drives it.
  const creation = acceptedEvent();
  await stores.operations.putEvent(creation);
  const { graphId: unready } = await stores.graphs.create(graphRequestedBy(creation));
  expect(await move(unready, 'large')).toMatchObject({ status: 409, body: { code: 'graph_not_ready' } });

  const headers = { 'idempotency-key': randomUUID() };
  const first = await move(graphId, 'large', headers);
  const repeated = await move(graphId, 'large', headers);
  expect(repeated).toMatchObject({ status: 202, body: first.body });
  expect(repeated.headers.get('idempotency-replayed')).toBe('true');
  expect(await move(graphId, 'xlarge', headers)).toMatchObject({ status: 422 });
  await client.follow(String(first.body['operationId']));
});

test('a move does not mind a claim that an operation has left behind', async () => {
  const { graphId, operationId } = await client.createGraph(plainGraph());
  await stores.set(`GRAPH#${graphId}`, 'writer', writerOf(operationId));
  const { status, body } = await move(graphId, 'large');
  expect(status).toBe(202);
  expect((await client.follow(String(body['operationId']))).at(-1)?.status).toBe('succeeded');
  expect(await tierOf(graphId)).toBe('large');
});
