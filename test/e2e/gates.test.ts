import { afterEach, describe, expect, test, vi } from 'vitest';
import { Client } from './client.ts';

const client = new Client();
const operator = client.target.tokens.operator;
const asOperator = (path: string, body: unknown = {}, method = 'POST') =>
  client.call(path, { method, body, token: operator });

const LARGE = '/v1/fleet/instances?tier=large&state=ACTIVE';
type InstanceView = { instanceId: string; state: string; used: number; busyCount: number; drain: object | null };
const instances = async (path: string) => {
  const response = await client.fetch(path, { token: operator });
  return (await response.json()) as InstanceView[];
};

describe('an instance that an operator drains', () => {
  afterEach(async () => {
    for (const { instanceId } of await instances('/v1/fleet/instances?tier=large&state=DRAINING')) {
      await asOperator(`/v1/fleet/instances/${instanceId}/undrain`);
    }
  });

  test('answers queries, has new work wait, and lets it go on by itself when it is undrained', async () => {
    const before = new Map((await instances(LARGE)).map(({ instanceId, used }) => [instanceId, used]));
    const { graphId } = await client.createGraph({ name: 'Gated', tier: 'large' });
    const host = (await instances(LARGE)).find(({ instanceId, used }) => used > (before.get(instanceId) ?? 0));
    const path = `/v1/fleet/instances/${host?.instanceId}`;

    const drained = await asOperator(`${path}/drain`, { reason: 'A look at the disk' });
    expect(drained).toMatchObject({
      status: 200,
      body: { state: 'DRAINING', busyCount: 0, drain: { operationId: null, reason: 'A look at the disk' } },
    });
    // Asked for again it stays as it is; only a heartbeat may have come.
    const again = await asOperator(`${path}/drain`, { reason: 'Another' });
    expect(again.body).toEqual({ ...drained.body, heartbeatAt: again.body['heartbeatAt'] });

    const accepted = await client.call(`/v1/graphs/${graphId}/subgraphs`, { body: { name: 'waits' } });
    const operation = `/v1/operations/${String(accepted.body['operationId'])}`;
    await vi.waitFor(async () => {
      const { body } = await client.call(operation);
      expect(body).toMatchObject({
        status: 'queued',
        message: `Waiting for ${host?.instanceId}, which is draining`,
      });
    }, 20_000);
    expect(await client.query(graphId, 'MATCH (n) RETURN count(n)')).toMatchObject({ status: 200 });

    const opened = await asOperator(`${path}/undrain`);
    expect(opened).toMatchObject({ status: 200, body: { state: 'ACTIVE', drain: null } });
    const events = await client.follow(String(accepted.body['operationId']));
    expect(events.at(-1)).toMatchObject({ type: 'succeeded' });
    expect(events.map(({ status }) => status)).toContain('queued');
    expect((await asOperator(`${path}/undrain`)).status).toBe(200);
  });

  test('and what waits for it can be cancelled', async () => {
    const { graphId } = await client.createGraph({ name: 'Gated', tier: 'large' });
    for (const { instanceId } of await instances(LARGE)) {
      await asOperator(`/v1/fleet/instances/${instanceId}/drain`, { reason: 'All of them' });
    }
    const { body } = await client.call(`/v1/graphs/${graphId}/subgraphs`, { body: { name: 'never' } });
    const operationId = String(body['operationId']);
    await vi.waitFor(async () => {
      expect((await client.call(`/v1/operations/${operationId}`)).body['status']).toBe('queued');
    }, 20_000);
    expect((await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' })).status).toBe(202);
    expect((await client.follow(operationId)).at(-1)).toMatchObject({ type: 'cancelled' });
    expect((await client.call(`/v1/graphs/${graphId}/subgraphs`)).body).toMatchObject({ subgraphs: [] });
  });

  test.each([
    ['that is not there', '/v1/fleet/instances/inst-none-1/drain', { reason: 'None' }, 404, 'not_found'],
    ['without a reason', '/v1/fleet/instances/inst-large-1/drain', {}, 400, 'invalid_request'],
    ['for an empty reason', '/v1/fleet/instances/inst-large-1/drain', { reason: ' ' }, 400, 'invalid_request'],
    ['that is not there, undrained', '/v1/fleet/instances/inst-none-1/undrain', {}, 404, 'not_found'],
  ])('one %s is refused', async (_what, path, body, status, code) => {
    expect(await asOperator(path, body)).toMatchObject({ status, body: { code } });
  });

  test('a tenant has no say in it', async () => {
    const drain = await client.call('/v1/fleet/instances/inst-large-1/drain', { body: { reason: 'Mine' } });
    expect(drain).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('a pause of writes', () => {
  const soon = () => new Date(Date.now() + 60_000).toISOString();
  const create = () => client.call('/v1/graphs', { body: { name: 'Paused', tier: 'xlarge' } });
  afterEach(async () => {
    await asOperator('/v1/fleet/pause?tier=xlarge', {}, 'DELETE');
  });

  test('refuses new work on its tier with the time to come back, says who set it, and can be ended', async () => {
    const until = soon();
    const set = await asOperator('/v1/fleet/pause', { tier: 'xlarge', until, reason: 'A move of the store' }, 'PUT');
    expect(set).toMatchObject({ status: 200, body: { tier: 'xlarge', until, reason: 'A move of the store' } });
    expect(set.body['owner']).toBeTypeOf('string');
    // What is known of pauses is as of a second ago.
    const refused = await vi.waitFor(async () => {
      const answer = await create();
      expect(answer).toMatchObject({ status: 503, body: { code: 'writes_paused', retryable: true } });
      return answer;
    }, 20_000);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await client.createGraph({ name: 'Elsewhere' })).events.at(-1)).toMatchObject({ type: 'succeeded' });
    const listed = await client.fetch('/v1/fleet/pause', { token: operator });
    expect(await listed.json()).toEqual([set.body]);

    expect((await asOperator('/v1/fleet/pause?tier=xlarge', {}, 'DELETE')).body).toEqual([]);
    await vi.waitFor(async () => expect((await create()).status).toBe(202), 20_000);
  });

  test.each([
    ['that is over', { until: '2026-01-01T00:00:00.000Z', reason: 'Late' }],
    ['of more than a day', { until: '2099-01-01T00:00:00.000Z', reason: 'Long' }],
    ['without a reason', { until: soon() }],
    ['of a tier that is not there', { tier: 'tiny', until: soon(), reason: 'Tiny' }],
  ])('one %s is refused', async (_what, body) => {
    expect(await asOperator('/v1/fleet/pause', body, 'PUT')).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });
});
