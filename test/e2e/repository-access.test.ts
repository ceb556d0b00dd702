import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RuntimeProcess, startRuntimeProcess } from '../fixtures/runtime-process.ts';
import { signedToken } from '../fixtures/tokens.ts';
import { type Answer, Client } from './client.ts';

let directory: string;
let runtime: RuntimeProcess;
let client: Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-repositories-'));
  runtime = await startRuntimeProcess(directory, {
    GRAPHFLEET_TIERS: JSON.stringify([
      { tier: 'standard', minInstances: 0, maxInstances: 0, capacity: 1 },
      { tier: 'large', minInstances: 0, maxInstances: 0, capacity: 1 },
      { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 },
      // The first who asks has its instance launched.
      { tier: 'shared', minInstances: 0, maxInstances: 1, capacity: 10 },
    ]),
  });
  client = new Client({ url: runtime.url, tokens: runtime.tokens, dataDirectory: directory });
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const accessTo = (repository: string) => `/v1/repositories/${repository}/access`;

/** A tenant that has never paid for anything. */
const tenant = async (tenantId: string): Promise<Client> => {
  const token = await signedToken(directory, { claims: { tenant_id: tenantId, scope: 'graphs:read graphs:write' } });
  return new Client({ ...client.target, tokens: { ...runtime.tokens, tenant: token } });
};

/** Asks for access and follows the operation to its end. */
const granted = async (of: Client, repository: string, body: object = {}): Promise<Answer['body']> => {
  const { status, body: accepted } = await of.call(accessTo(repository), { body });
  expect({ status, accepted }).toMatchObject({ status: 202, accepted: { kind: 'repository.access' } });
  const events = await of.follow(String(accepted['operationId']));
  expect(events.at(-1)).toMatchObject({ status: 'succeeded' });
  return events.at(-1)?.detail['result'] as Answer['body'];
};

test('tenants who ask for a repository at once read the same graph, which is created for the first of them', async () => {
  const { tokens } = runtime;
  const tenants = [client, new Client({ ...client.target, tokens: { ...tokens, tenant: tokens.otherTenant } })];
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
  const [reader, stranger] = [client, await tenant('has-none')];
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
  const headers = { 'idempotency-key': 'access-1' };
  const first = await client.call(accessTo('filings'), { body: {}, headers });
  expect((await client.call(accessTo('filings'), { body: {}, headers })).body).toEqual(first.body);
  expect(await client.call(accessTo('gazetteer'), { body: {}, headers })).toMatchObject({ status: 422 });
  await client.follow(String(first.body['operationId']));
});

test('access is for tenants who pay', async () => {
  const answer = await (await tenant('pays-nothing')).call(accessTo('filings'), { body: {} });
  expect(answer).toMatchObject({ status: 402, body: { code: 'payment_required' } });
});
