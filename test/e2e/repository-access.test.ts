import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { type Answer, Client } from './client.ts';
import { newTenant, payingTenant } from './tenants.ts';

/** Of a tenant that has paid, and has no access and no graph yet. */
let client: Client;
beforeAll(async () => {
  client = await payingTenant(new Client());
});

const accessTo = (repository: string) => `/v1/repositories/${repository}/access`;

/** Asks for access and follows the operation to its end. */
const granted = async (of: Client, repository: string, body: object = {}): Promise<Answer['body']> => {
  const { status, body: accepted } = await of.call(accessTo(repository), { body });
  expect({ status, accepted }).toMatchObject({ status: 202, accepted: { kind: 'repository.access' } });
  const events = await of.follow(String(accepted['operationId']));
  expect(events.at(-1)).toMatchObject({ status: 'succeeded' });
  return events.at(-1)?.detail['result'] as Answer['body'];
};

test('tenants who ask for a repository at once read the same graph, which is created for the first of them', async () => {
  const tenants = [client, await payingTenant(client)];
  const results = await Promise.all(tenants.map((of) => granted(of, 'filings')));
  const [graphId, ...others] = new Set(results.map((result) => String(result['graphId'])));
  expect(others).toEqual([]);
  for (const of of tenants) {
    const answer = await of.query(graphId ?? '', 'MATCH (d:Document) RETURN d.title');
    expect(answer).toMatchObject({ status: 200, body: { rows: [], snapshotVersion: 1 } });
    const { body: graph } = await of.call(`/v1/graphs/${graphId}`);
    expect(graph).toMatchObject({ kind: 'repository', tier: 'shared' });
    // What is not theirs to see is not linked.
    expect(Object.keys(graph['links'] as object)).toEqual(['self', 'query']);
    // It is theirs to read, not to change, and not among their own.
    expect(await of.call(`/v1/graphs/${graphId}/tier`, { body: { tier: 'large' } })).toMatchObject({ status: 404 });
    expect(await of.call(`/v1/graphs/${graphId}`, { method: 'DELETE' })).toMatchObject({ status: 404 });
    expect((await of.call('/v1/graphs')).body).toMatchObject({ graphs: [] });
  }
});

test('a repository is there for tenants with an active access only', async () => {
  const [reader, stranger] = [await payingTenant(client), (await newTenant(client)).client];
  expect(await reader.call(accessTo('gazetteer'))).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const { graphId } = await granted(reader, 'gazetteer', { plan: 'analyst' });
  expect((await reader.call(accessTo('gazetteer'))).body).toMatchObject({
    repository: 'gazetteer',
    plan: 'analyst',
    status: 'active',
    graphId,
  });
  const query = 'MATCH (p:Place) RETURN p.name';
  expect(await reader.query(String(graphId), query)).toMatchObject({ status: 200 });
  expect(await stranger.query(String(graphId), query)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await stranger.call(`/v1/graphs/${String(graphId)}`)).toMatchObject({ status: 404 });

  expect(await granted(reader, 'gazetteer')).toMatchObject({ existed: true, plan: 'analyst' });

  expect((await reader.fetch(accessTo('gazetteer'), { method: 'DELETE' })).status).toBe(204);
  expect(await reader.call(accessTo('gazetteer'))).toMatchObject({ status: 404 });
  expect(await reader.call(accessTo('gazetteer'), { method: 'DELETE' })).toMatchObject({ status: 404 });
  expect(await reader.query(String(graphId), query)).toMatchObject({ status: 404 });
  expect(await granted(reader, 'gazetteer')).toMatchObject({ existed: false, plan: 'reader', graphId });
  expect(await reader.query(String(graphId), query)).toMatchObject({ status: 200 });
});

test('a repository that there is not, a plan that there is not', async () => {
  expect(await client.call(accessTo('novels'), { body: {} })).toMatchObject({ status: 404 });
  expect(await client.call(accessTo('filings'), { body: { plan: 'all' } })).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', errors: [{ path: 'plan' }] },
  });
});

test('a repeated request gets the first answer; the key is not good for another request', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const first = await client.call(accessTo('filings'), { body: {}, headers });
  expect((await client.call(accessTo('filings'), { body: {}, headers })).body).toEqual(first.body);
  expect(await client.call(accessTo('gazetteer'), { body: {}, headers })).toMatchObject({ status: 422 });
  await client.follow(String(first.body['operationId']));
});

test('access is for tenants who pay', async () => {
  const { client: unpaid } = await newTenant(client);
  const answer = await unpaid.call(accessTo('filings'), { body: {} });
  expect(answer).toMatchObject({ status: 402, body: { code: 'payment_required' } });
});
