import { describe, expect, test } from 'vitest';
import { plainGraph } from '../fixtures/graph-requests.ts';
import { signedToken } from '../fixtures/tokens.ts';
import { waitingGraph, wantApproval } from './approval.ts';
import { Client } from './client.ts';

type Entry = { at: string; type: string; action: string; actor: string; outcome: string; detail: string } & Record<
  'tenantId' | 'operationId' | 'graphId',
  string | null
>;

const client = new Client();
const { tokens, dataDirectory = '' } = client.target;
const { operator, otherTenant } = tokens;
wantApproval(client);

const audit = async (query = '', token = operator): Promise<Entry[]> => {
  const { status, body } = await client.call(`/v1/audit?limit=100${query}`, { token });
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body['entries'] as Entry[];
};
/** Of the last two minutes: denials without a tenant are counted by the minute, and stand where the first of it was. */
const recentAudit = async (): Promise<Entry[]> => {
  const from = new Date(Date.now() - 120_000).toISOString();
  return pagedAudit(100, `from=${from}`);
};
/** All entries of a span, a page after another. */
const pagedAudit = async (limit: number, query: string): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { body: Record<string, unknown> } = await client.call(
      `/v1/audit?limit=${limit}&${query}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      { token: operator },
    );
    entries.push(...(page.body['entries'] as Entry[]));
    cursor = page.body['cursor'] as string | null;
  }
  return entries;
};
const of = (entries: Entry[], operationId: string) => entries.filter((entry) => entry.operationId === operationId);

describe('a command', () => {
  test('and how it ended are told by the log itself, to the tenant and to operators', async () => {
    const { operationId, graphId } = await client.createGraph(plainGraph());
    const expected = [
      { type: 'outcome', action: 'graph.create', actor: 'graphfleet', outcome: 'succeeded' },
      { type: 'command', action: 'graph.create', actor: 'ada', outcome: 'accepted' },
    ].map((entry) => ({ ...entry, tenantId: 'acme', operationId, graphId }));
    for (const found of [await audit(), await audit('', tokens.tenant), await audit('&tenant=acme')]) {
      expect(of(found, operationId)).toMatchObject(expected);
    }
    expect(of(await audit('', otherTenant), operationId)).toEqual([]);
    expect(of(await audit('&tenant=globex'), operationId)).toEqual([]);
  });

  test("of an operator on another's operation tells who it was, and that it was an operator", async () => {
    const operationId = await waitingGraph(client);
    await client.call(`/v1/operations/${operationId}/resume`, { body: { answer: 'approve' }, token: operator });
    await client.follow(operationId);
    const cancelled = await waitingGraph(client);
    await client.call(`/v1/operations/${cancelled}`, { method: 'DELETE', token: operator });
    await client.follow(cancelled);
    const entries = await audit('', tokens.tenant);
    expect(of(entries, operationId)).toContainEqual(
      expect.objectContaining({
        action: 'operation.resume',
        actor: 'olga',
        detail: 'Answered: approve (by an operator)',
      }),
    );
    expect(of(entries, cancelled)).toContainEqual(
      expect.objectContaining({ action: 'operation.cancel', actor: 'olga', detail: 'Cancelling (by an operator)' }),
    );
  });

  test('that has no operation is an entry too: credits consumed, an access given up, a subscription provisioned', async () => {
    const { graphId } = await client.createGraph(plainGraph());
    const body = { amount: 7, reason: 'a query' };
    const headers = { 'idempotency-key': 'audited-1' };
    await client.call(`/v1/graphs/${graphId}/credits/consumptions`, { body, headers });
    await client.fetch('/v1/repositories/filings/access', { method: 'DELETE' });
    const { body: billing } = await client.call('/v1/billing/subscriptions');
    const [{ subscriptionId } = {}] = billing['subscriptions'] as { subscriptionId: string }[];
    await client.call(`/v1/billing/subscriptions/${subscriptionId}/provision`, { method: 'POST' });
    const commands = (await audit('', tokens.tenant)).filter(({ type }) => type === 'command');
    const entries = commands.slice(0, 3).reverse();
    expect(entries).toMatchObject([
      { action: 'POST /v1/graphs/{graphId}/credits/consumptions', outcome: '200', graphId },
      { action: 'DELETE /v1/repositories/{repository}/access', outcome: 'not_found' },
      { action: 'POST /v1/billing/subscriptions/{subscriptionId}/provision', outcome: 'conflict' },
    ]);
    for (const entry of entries) expect(entry).toMatchObject({ type: 'command', tenantId: 'acme', actor: 'ada' });
    expect(JSON.parse(entries[0]?.detail ?? '')).toMatchObject({ body });
  });
});

describe('a denial', () => {
  test("is noted: no scope, another's graph, another's operation, a bad token", async () => {
    const { operationId, graphId } = await client.createGraph(plainGraph());
    const token = otherTenant;
    await client.call(`/v1/operations/${operationId}`, { token });
    await client.call(`/v1/operations/${operationId}`, { token, method: 'DELETE' });
    await client.call(`/v1/graphs/${graphId}`, { token });
    await client.call('/v1/audit?tenant=acme', { token });
    const reader = await signedToken(dataDirectory, { claims: { tenant_id: 'globex', scope: 'graphs:read' } });
    await client.call('/v1/graphs', { body: plainGraph(), token: reader });
    const denied = (await audit('', token)).filter(({ type }) => type === 'denial');
    expect(denied.slice(0, 5).reverse()).toMatchObject([
      { action: 'GET /v1/operations/{operationId}', outcome: 'not_found', actor: 'grace' },
      { action: 'DELETE /v1/operations/{operationId}', outcome: 'not_found', actor: 'grace' },
      { action: 'GET /v1/graphs/{graphId}', outcome: 'not_found', actor: 'grace' },
      { action: 'GET /v1/audit', outcome: 'forbidden', actor: 'grace' },
      { action: 'POST /v1/graphs', outcome: 'forbidden', actor: 'mallory' },
    ]);
    const expired = await signedToken(dataDirectory, { expiresIn: '-1m' });
    expect((await client.call('/v1/graphs', { token: expired })).status).toBe(401);
    expect(await recentAudit()).toContainEqual(
      expect.objectContaining({ type: 'denial', outcome: 'unauthorized', tenantId: null, detail: 'ERR_JWT_EXPIRED' }),
    );
  });

  test('of a webhook that is not signed is noted, and is nobody’s', async () => {
    const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,bm9uc2Vuc2U=' };
    const answer = await client.call('/v1/billing/webhook', { token: null, body: {}, headers });
    expect(answer.status).toBe(401);
    expect(await recentAudit()).toContainEqual(
      expect.objectContaining({
        type: 'denial',
        action: 'POST /v1/billing/webhook',
        outcome: 'unauthorized',
        tenantId: null,
      }),
    );
  });

  test('of what is not there, or is not valid, is none', async () => {
    const token = otherTenant;
    const before = await audit('', token);
    expect((await client.call('/v1/operations/op_00000000000000000000000000', { token })).status).toBe(404);
    expect((await client.call('/v1/graphs', { token, body: { name: '' } })).status).toBe(400);
    expect(await audit('', token)).toEqual(before);
  });
});

test('the audit is read a page at a time, over days, and nothing is lost between pages', async () => {
  for (let count = 0; count < 3; count += 1) await client.createGraph(plainGraph());
  const to = new Date().toISOString();
  const from = new Date(Date.now() - 90 * 86_400_000).toISOString();
  for (const query of [`from=${from}&to=${to}`, `from=${from}&to=${to}&tenant=acme`]) {
    const whole = await audit(`&${query}`);
    // Of what others did before there can be a lot.
    const paged = await pagedAudit(Math.ceil(whole.length / 4), query);
    expect(paged.slice(0, 100)).toEqual(whole);
    expect([...paged].sort((left, right) => (left.at < right.at ? 1 : left.at > right.at ? -1 : 0))).toEqual(paged);
  }
  expect((await client.call('/v1/audit?cursor=nonsense', { token: operator })).status).toBe(400);
});

describe('an action on the fleet', () => {
  const flagsOf = async () => (await client.call('/v1/fleet/flags', { token: operator })).body;

  test('is noted with what was asked, by whom and how it went', async () => {
    const flags = await flagsOf();
    expect((await client.call('/v1/fleet/flags', { method: 'PUT', body: flags, token: operator })).status).toBe(200);
    const [entry] = await audit('&tenant=operations');
    expect(entry).toMatchObject({
      type: 'operator_action',
      action: 'PUT /v1/fleet/flags',
      actor: 'olga',
      outcome: '200',
    });
    expect(JSON.parse(entry?.detail ?? '')).toMatchObject({ body: flags });
  });

  test('that a tenant tries is denied, and noted as that', async () => {
    const answer = await client.call('/v1/fleet/flags', { method: 'PUT', body: await flagsOf() });
    expect(answer.status).toBe(403);
    const [entry] = await audit('', tokens.tenant);
    expect(entry).toMatchObject({ type: 'denial', action: 'PUT /v1/fleet/flags', actor: 'ada', outcome: 'forbidden' });
  });
});
