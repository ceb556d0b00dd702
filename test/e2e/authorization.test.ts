import { describe, expect, test } from 'vitest';
import { plainGraph } from '../fixtures/graph-requests.ts';
import { confusedToken, signedToken, unsignedToken } from '../fixtures/tokens.ts';
import { Client } from './client.ts';

const client = new Client();
const { dataDirectory } = client.target;

const CALLS: [string, string][] = [
  ['POST', '/v1/graphs'],
  ['GET', '/v1/graphs'],
  ['GET', '/v1/operations'],
  ['GET', '/v1/operations/op_00000000000000000000000000/events'],
  ['POST', '/v1/graphs/kg01/query'],
];

describe('a call without a token that is good', () => {
  test.each(CALLS)('%s %s without any is refused', async (method, path) => {
    const answer = await client.call(path, { method, token: null });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ code: 'unauthorized', status: 401, retryable: false });
  });

  test.each(['', 'nonsense', 'a.b.c'])('a token that is none is refused: %j', async (token) => {
    expect((await client.call('/v1/graphs', { token })).status).toBe(401);
  });

  test('another scheme is refused', async () => {
    const headers = { authorization: `Basic ${client.target.tokens.tenant}` };
    expect((await client.call('/v1/graphs', { token: null, headers })).status).toBe(401);
  });

  test('alg: none is refused', async () => {
    expect((await client.call('/v1/graphs', { token: unsignedToken() })).status).toBe(401);
  });

  test('a token whose claims were changed is refused', async () => {
    const [header, , signature] = client.target.tokens.tenant.split('.');
    const claims = Buffer.from(
      JSON.stringify({ tenant_id: 'globex', scope: 'graphs:read', exp: 4_000_000_000 }),
    ).toString('base64url');
    expect((await client.call('/v1/graphs', { token: `${header}.${claims}.${signature}` })).status).toBe(401);
  });

  // These need the issuer's own key, so they run against a runtime on this machine.
  test.runIf(dataDirectory !== undefined)('an expired, misdirected or incomplete token is refused', async () => {
    const directory = dataDirectory ?? '';
    const good = await signedToken(directory, {});
    expect((await client.call('/v1/graphs', { token: good })).status).toBe(200);
    const bad = await Promise.all([
      signedToken(directory, { expiresIn: '-1m' }),
      signedToken(directory, { issuer: 'http://elsewhere.localhost' }),
      signedToken(directory, { audience: 'another-service' }),
      signedToken(directory, { claims: { scope: 'graphs:read' } }),
      signedToken(directory, { claims: { tenant_id: 'acme#GRAPH', scope: 'graphs:read' } }),
      // The control plane's own name.
      signedToken(directory, { subject: 'graphfleet' }),
      confusedToken(directory),
    ]);
    for (const token of bad) expect((await client.call('/v1/graphs', { token })).status).toBe(401);
  });

  test.runIf(dataDirectory !== undefined)('a token without the scope is forbidden, and the scope named', async () => {
    const token = await signedToken(dataDirectory ?? '', { claims: { tenant_id: 'acme', scope: 'graphs:read' } });
    expect((await client.call('/v1/graphs', { token })).status).toBe(200);
    const answer = await client.call('/v1/graphs', { token, body: plainGraph() });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ code: 'forbidden' });
    expect(answer.body['detail']).toContain('graphs:write');
  });
});

describe("another tenant's graph and operation", () => {
  test('are not there, whatever is asked of them', async () => {
    const { graphId, operationId } = await client.createGraph(plainGraph());
    const token = client.target.tokens.otherTenant;
    const answers = await Promise.all([
      client.call(`/v1/graphs/${graphId}`, { token }),
      client.call(`/v1/graphs/${graphId}/query`, { token, body: { cypher: 'MATCH (n) RETURN n' } }),
      client.call(`/v1/operations/${operationId}`, { token }),
      client.call(`/v1/operations/${operationId}/events`, { token }),
      client.call(`/v1/operations/${operationId}/events`, { token, headers: { accept: 'text/event-stream' } }),
    ]);
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: 'not_found' });
    }
  });

  test('are in no listing', async () => {
    const { graphId } = await client.createGraph(plainGraph());
    const token = client.target.tokens.otherTenant;
    for (const listing of ['graphs', 'operations']) {
      expect(JSON.stringify((await client.call(`/v1/${listing}?limit=100`, { token })).body)).not.toContain(graphId);
    }
  });
});

test('health and the OpenAPI document need no token', async () => {
  expect(await client.call('/v1/health', { token: null })).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect((await client.call('/v1/openapi.json', { token: null })).body).toMatchObject({ openapi: '3.1.0' });
});
