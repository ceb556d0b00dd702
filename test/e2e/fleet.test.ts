import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RuntimeProcess, startRuntimeProcess } from '../fixtures/runtime-process.ts';
import { signedToken } from '../fixtures/tokens.ts';
import { Client } from './client.ts';

const STANDARD = { tier: 'standard', minInstances: 1, maxInstances: 2, capacity: 5 };
const LARGE = { tier: 'large', minInstances: 0, maxInstances: 3, capacity: 4 };
const XLARGE = { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 };

let directory: string;
let runtime: RuntimeProcess;
/** An operator's, unless another token is given. */
let operator: Client;
let tenant: string;
/** Sees the fleet, and may not change it. */
let reader: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-fleet-'));
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: JSON.stringify([STANDARD, LARGE, XLARGE]) });
  const { tokens } = runtime;
  tenant = tokens.tenant;
  operator = new Client({ ...runtime, tokens: { ...tokens, tenant: tokens.operator } });
  reader = await signedToken(directory, { claims: { tenant_id: 'operations', scope: 'fleet:read' } });
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

type Instance = { instanceId: string; tier: string; state: string };
const list = async (query = ''): Promise<Instance[]> =>
  (await operator.call(`/v1/fleet/instances${query}`)).body as unknown as Instance[];
const namesOf = (instances: readonly Instance[]) => instances.map(({ instanceId }) => instanceId).sort();

const launch = (tier: string, { key, token }: { key?: string; token?: string } = {}) =>
  operator.call('/v1/fleet/instances', {
    body: { tier },
    headers: key === undefined ? {} : { 'idempotency-key': key },
    ...(token !== undefined && { token }),
  });

describe('launching an instance', () => {
  test('is accepted, can be followed by operators alone, and ends with an instance that takes graphs', async () => {
    const { status, headers, body } = await launch('standard');
    const operationId = String(body['operationId']);
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { kind: 'instance.launch', status: 'accepted', graphId: null },
    });
    expect(headers.get('location')).toBe(`/v1/operations/${operationId}`);
    const events = await operator.follow(operationId);
    expect(events.at(-1)).toMatchObject({ status: 'succeeded', percent: 100 });
    expect(await list('?tier=standard')).toMatchObject([
      { instanceId: 'inst-standard-1', tier: 'standard', state: 'ACTIVE' },
      { instanceId: 'inst-standard-2', tier: 'standard', state: 'ACTIVE', used: 0, capacity: STANDARD.capacity },
    ]);
    const { body: listed } = await operator.call('/v1/operations?fleet=true');
    expect(listed['operations']).toContainEqual(expect.objectContaining({ operationId, kind: 'instance.launch' }));
    expect(await operator.call(`/v1/operations/${operationId}`, { token: tenant })).toMatchObject({ status: 404 });
  });

  test('is refused at the maximum of its tier, and claims nothing', async () => {
    const before = namesOf(await list());
    for (const tier of ['standard', 'xlarge']) {
      expect(await launch(tier)).toMatchObject({ status: 409, body: { code: 'conflict', retryable: false } });
    }
    expect(namesOf(await list())).toEqual(before);
  });

  test('with the same Idempotency-Key, at once and later, is one launch, also when the tier is full by then', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 5 }, () => launch('large', { key })));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    const [operationId = '', ...others] = new Set(answers.map(({ body }) => String(body['operationId'])));
    expect(others).toEqual([]);
    expect((await operator.follow(operationId)).at(-1)?.status).toBe('succeeded');
    expect(namesOf(await list('?tier=large'))).toEqual(['inst-large-1']);

    const { tier: _tier, ...wanted } = LARGE;
    await operator.call('/v1/fleet/tiers/large', { method: 'PUT', body: { ...wanted, maxInstances: 1 } });
    expect((await launch('large')).status).toBe(409);
    const again = await launch('large', { key });
    expect(again).toMatchObject({ status: 202, body: { operationId } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await launch('standard', { key })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused', operationId },
    });
    expect(namesOf(await list('?tier=large'))).toEqual(['inst-large-1']);
  });

  test.each<[string, object, string]>([
    ['a tier that there is not', { tier: 'tiny' }, 'tier'],
    ['no tier', {}, 'tier'],
    ['a field that there is not', { tier: 'standard', count: 2 }, 'count'],
  ])('of %s is not valid', async (_what, body, path) => {
    expect(await operator.call('/v1/fleet/instances', { body })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path }] },
    });
  });

  test('is forbidden to tenants, and to whoever may only look', async () => {
    const before = namesOf(await list());
    for (const token of [tenant, reader]) {
      expect(await launch('large', { token })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect(namesOf(await list())).toEqual(before);
  });
});

describe('what is wanted of a tier', () => {
  const wanted = { minInstances: 0, maxInstances: 1, capacity: 4 };
  const tiers = async () => (await operator.call('/v1/fleet/tiers', { token: reader })).body;
  const set = (tier: string, body: object, token?: string) =>
    operator.call(`/v1/fleet/tiers/${tier}`, { method: 'PUT', body, ...(token !== undefined && { token }) });

  test('is set as a whole but for the approval, and read by whoever may look', async () => {
    expect(await set('xlarge', { ...wanted, approval: true })).toMatchObject({
      status: 200,
      body: { tier: 'xlarge', ...wanted, approval: true },
    });
    expect(await set('xlarge', { ...wanted, maxInstances: 0 })).toMatchObject({
      status: 200,
      body: { maxInstances: 0, approval: true },
    });
    const kept = { tier: 'xlarge', ...wanted, maxInstances: 0, approval: true };
    expect(await tiers()).toContainEqual(expect.objectContaining(kept));
  });

  test.each<[string, object, string]>([
    ['a minimum above its maximum', { ...wanted, minInstances: 2 }, 'minInstances'],
    ['fewer instances than none', { ...wanted, minInstances: -1 }, 'minInstances'],
    ['half an instance', { ...wanted, maxInstances: 1.5 }, 'maxInstances'],
    ['more instances than can be', { ...wanted, maxInstances: 1_001 }, 'maxInstances'],
    ['instances that hold nothing', { ...wanted, capacity: 0 }, 'capacity'],
    ['no capacity', { minInstances: 0, maxInstances: 1 }, 'capacity'],
    ['an approval that is neither', { ...wanted, approval: 'maybe' }, 'approval'],
    ['a field that there is not', { ...wanted, colour: 'red' }, 'colour'],
  ])('can not be %s: nothing is set', async (_what, body, path) => {
    const before = await tiers();
    expect(await set('standard', body)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path }] },
    });
    expect(await tiers()).toEqual(before);
  });

  test('is not set for a tier that there is not, nor by whoever may not', async () => {
    const before = await tiers();
    expect(await set('tiny', wanted)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const token of [tenant, reader]) {
      expect(await set('standard', wanted, token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect(await tiers()).toEqual(before);
    expect(await operator.call('/v1/fleet/tiers', { token: tenant })).toMatchObject({ status: 403 });
  });
});

describe('the instances', () => {
  test('are listed by tier and by state', async () => {
    const all = await list();
    expect(new Set(all.map(({ tier }) => tier))).toEqual(new Set(['standard', 'large']));
    for (const tier of ['standard', 'large', 'xlarge']) {
      const ofTier = all.filter((instance) => instance.tier === tier);
      expect(namesOf(await list(`?tier=${tier}`))).toEqual(namesOf(ofTier));
      expect(namesOf(await list(`?tier=${tier}&state=ACTIVE`))).toEqual(namesOf(ofTier));
    }
    expect(namesOf(await list('?state=ACTIVE'))).toEqual(namesOf(all));
    expect(await list('?state=QUARANTINED')).toEqual([]);
  });

  test.each([
    ['?tier=tiny', 'tier'],
    ['?state=asleep', 'state'],
    ['?colour=red', 'colour'],
  ])('are not found by %s', async (query, path) => {
    expect(await operator.call(`/v1/fleet/instances${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path }] },
    });
  });

  test('are shown to operators, not to tenants', async () => {
    expect(await operator.call('/v1/fleet/instances', { token: reader })).toMatchObject({ status: 200 });
    expect(await operator.call('/v1/fleet/instances', { token: tenant })).toMatchObject({ status: 403 });
    expect(await operator.call('/v1/fleet/instances', { token: null })).toMatchObject({ status: 401 });
  });
});
