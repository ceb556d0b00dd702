import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { writerOf } from '../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { CONTROL_PLANE } from '../../domain/operation/operation-event.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { type Answer, Client } from './client.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);

const remove = (
  graphId: string,
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
) => client.call(`/v1/graphs/${graphId}${query}`, { method: 'DELETE', headers });

const endOf = async ({ status, body }: Answer) => {
  expect({ status, body }).toMatchObject({ status: 202 });
  return client.follow(body['operationId'] as string);
};

/** Everything of a graph that is kept anywhere. */
const tracesOf = async (graphId: string, instanceId: string) => {
  const slots = await stores.instances.readSlots(instanceId);
  return {
    record: await stores.graphs.get(graphId),
    slot: slots[graphId],
    used: (await stores.instances.get(instanceId))?.used === Object.keys(slots).length,
    objects: await stores.objects.list(`graphs/${graphId}/`),
  };
};
const GONE = { record: undefined, slot: undefined, used: true, objects: [] };

const instanceOf = async (graphId: string) => (await stores.graphs.get(graphId))?.placement ?? '';

const listed = async () => {
  const { body } = await client.call('/v1/graphs?limit=100');
  return (body['graphs'] as { graphId: string }[]).map(({ graphId }) => graphId);
};

test('a graph is deleted: database, slot, snapshots and record; a backup is kept', async () => {
  const { graphId } = await client.createGraph(companiesGraph());
  const instanceId = await instanceOf(graphId);
  const snapshot = (await stores.graphs.get(graphId))?.snapshot;
  const answer = await remove(graphId);
  const { operationId } = answer.body as { operationId: string };
  expect(answer.body).toMatchObject({ kind: 'graph.delete', status: 'accepted', graphId });

  const events = await endOf(answer);
  expect(events.map(({ type, step, percent }) => [type, step, percent])).toEqual([
    ['accepted', null, 0],
    ['started', 'beginDelete', 10],
    ['progress', 'backUpGraph', 40],
    ['succeeded', null, 100],
  ]);
  expect(await tracesOf(graphId, instanceId)).toEqual(GONE);
  // Who asked for it is in the log, and so is who ended it.
  const log = await stores.operations.readEvents(operationId, 0, 10);
  expect([log[0]?.actor, log.at(-1)?.actor]).toEqual([expect.stringMatching(/\w/), CONTROL_PLANE]);
  expect(log[0]?.actor).not.toBe(CONTROL_PLANE);
  const backup = `backups/${graphId}/${operationId}/${graphId}.lbug`;
  expect(events.at(-1)?.detail).toMatchObject({ result: { graphId, backups: [backup] } });
  expect(await stores.objects.copy(backup, `${backup}.checked`)).toBe(snapshot?.checksum);

  expect(await client.call(`/v1/graphs/${graphId}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await client.query(graphId, 'RETURN 1')).toMatchObject({ status: 404 });
  expect(await listed()).not.toContain(graphId);
  expect(await remove(graphId)).toMatchObject({ status: 404 });
});

test('backup=false keeps nothing', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  const events = await endOf(await remove(graphId, { query: '?backup=false' }));
  expect(events.at(-1)).toMatchObject({ status: 'succeeded', detail: { result: { backups: [] } } });
  expect(await stores.objects.list(`backups/${graphId}/`)).toEqual([]);
});

test('the same Idempotency-Key is the same deletion, while it runs and when the graph is gone', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  const headers = { 'idempotency-key': randomUUID() };
  const answers = await Promise.all(Array.from({ length: 5 }, () => remove(graphId, { headers })));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
  await endOf(answers[0] as Answer);
  const late = await remove(graphId, { headers });
  expect(late).toMatchObject({ status: 202, body: answers[0]?.body });
  expect(late.headers.get('idempotency-replayed')).toBe('true');
  expect(await remove(graphId, { query: '?backup=false', headers })).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  });
});

test('of several deletions at once one deletes; the others are refused with its id, or end without a trace', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  const answers = await Promise.all(Array.from({ length: 6 }, () => remove(graphId)));
  const ends = await Promise.all(
    answers.map(async (answer) => {
      if (answer.status !== 202) {
        expect(answer.body).toMatchObject({ code: expect.stringMatching(/^(conflict|not_found)$/) as string });
        return 'refused';
      }
      return (await endOf(answer)).at(-1)?.status;
    }),
  );
  expect(ends.filter((end) => end === 'succeeded')).toHaveLength(1);
  for (const end of ends) expect(['succeeded', 'refused', 'failed']).toContain(end);
  const deleted = await stores.objects.list(`backups/${graphId}/`);
  expect(deleted).toHaveLength(1);
});

describe('a deletion is refused', () => {
  test('of a graph that is not there, or is another tenant’s', async () => {
    const { graphId } = await client.createGraph(plainGraph());
    expect(await remove('kgnothing')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const stranger = await client.call(`/v1/graphs/${graphId}`, {
      method: 'DELETE',
      token: client.target.tokens.otherTenant,
    });
    expect(stranger).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ status: 'active' });
  });

  test('while the graph is provisioning, with the operation that makes it', async () => {
    // Accepted, and not listed: nobody drives it.
    const creation = acceptedEvent();
    await stores.operations.putEvent(creation);
    const { graphId } = await stores.graphs.create(graphRequestedBy(creation));
    const { operationId } = creation;
    expect(await remove(graphId)).toMatchObject({ status: 409, body: { code: 'graph_not_ready', operationId } });
  });

  test('while another operation holds it, with that operation’s id', async () => {
    const { graphId } = await client.createGraph(plainGraph());
    const holder = acceptedEvent({ kind: 'graph.materialize', graphId });
    await stores.operations.putEvent(holder);
    await stores.set(`GRAPH#${graphId}`, 'writer', writerOf(holder.operationId));
    const { operationId } = holder;
    expect(await remove(graphId)).toMatchObject({ status: 409, body: { code: 'conflict', operationId } });
    expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ status: 'active' });
  });

  test('while a subgraph is about to come, with the operation that makes it', async () => {
    const { graphId } = await client.createGraph(plainGraph());
    const creation = acceptedEvent({ kind: 'subgraph.create' });
    await stores.operations.putEvent(creation);
    await stores.set(`GRAPH#${graphId}`, 'subgraphs', { soon: creation.graphId });
    const { operationId } = creation;
    expect(await remove(graphId)).toMatchObject({ status: 409, body: { code: 'conflict', operationId } });
  });

  test.each(['?backup=maybe', '?colour=red'])('with %s in its query', async (query) => {
    const { graphId } = await client.createGraph(plainGraph());
    expect(await remove(graphId, { query })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });
});

test('a deletion stops at an instance that refuses, with the slot still taken, and the next one goes on', async () => {
  const { graphId } = await client.createGraph(companiesGraph());
  const instanceId = await instanceOf(graphId);
  const { endpoint } = (await stores.instances.get(instanceId)) ?? { endpoint: '' };
  const refusing = createServer((request, response) => {
    request.resume();
    response.writeHead(409, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ code: 'conflict', message: 'A job of the graph is still running.' }));
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  try {
    await stores.set(
      `INSTANCE#${instanceId}`,
      'endpoint',
      `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
    );
    const stopped = await endOf(await remove(graphId));
    expect(stopped.at(-1)).toMatchObject({
      status: 'failed',
      detail: { error: { code: 'conflict', message: 'A job of the graph is still running.', retryable: true } },
    });
  } finally {
    await stores.set(`INSTANCE#${instanceId}`, 'endpoint', endpoint);
    refusing.close();
  }
  expect((await tracesOf(graphId, instanceId)).slot).toBeDefined();
  expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ status: 'deleting' });
  expect(await client.query(graphId, 'RETURN 1')).toMatchObject({ status: 409, body: { code: 'graph_not_ready' } });

  expect((await endOf(await remove(graphId))).at(-1)?.status).toBe('succeeded');
  expect(await tracesOf(graphId, instanceId)).toEqual(GONE);
});
