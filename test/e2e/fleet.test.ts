import { describe, expect, test } from 'vitest';
import { GRAPH_TIERS } from '../../domain/fleet/tier.ts';
import { signedToken } from '../fixtures/tokens.ts';
import { Client } from './client.ts';

const { target } = new Client();
const { tenant } = target.tokens;
/** An operator's, unless another token is given. */
const operator = new Client({ ...target, tokens: { ...target.tokens, tenant: target.tokens.operator } });
/** Sees the fleet, and may not change it. */
const reader = await signedToken(target.dataDirectory ?? '', {
  claims: { tenant_id: 'operations', scope: 'fleet:read' },
});

type Instance = { instanceId: string; tier: string; state: string };
const list = async (query = ''): Promise<Instance[]> =>
  (await operator.call(`/v1/fleet/instances${query}`)).body as unknown as Instance[];
const namesOf = (instances: readonly Instance[]) => instances.map(({ instanceId }) => instanceId).sort();

describe('what is wanted of a tier', () => {
  const wanted = { minInstances: 0, maxInstances: 1, capacity: 4 };
  const tiers = async () =>
    (await operator.call('/v1/fleet/tiers', { token: reader })).body as unknown as Record<string, unknown>[];
  const set = (tier: string, body: object, token?: string) =>
    operator.call(`/v1/fleet/tiers/${tier}`, { method: 'PUT', body, ...(token !== undefined && { token }) });

  test('is set field by field, and read by whoever may look', async () => {
    const { tier, image, ...was } = (await tiers()).find((one) => one['tier'] === 'xlarge') ?? {};
    const more = { ...was, maxInstances: Number(was['maxInstances']) + 2, approval: true };
    try {
      expect(await set('xlarge', more)).toMatchObject({ status: 200, body: { tier, image, ...more } });
      for (const change of [{ approval: false }, { maxInstances: Number(was['maxInstances']) + 1 }, {}]) {
        Object.assign(more, change);
        expect(await set('xlarge', change)).toMatchObject({ status: 200, body: { tier, image, ...more } });
      }
      expect(await tiers()).toContainEqual({ tier, image, ...more });
    } finally {
      expect((await set('xlarge', was)).body).toMatchObject(was);
    }
  });

  test('is not set to a maximum below the minimum that is there', async () => {
    const before = await tiers();
    expect(await set('standard', { maxInstances: 0 })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path: 'maxInstances', message: 'is less than minInstances' }] },
    });
    expect(await tiers()).toEqual(before);
  });

  test.each<[string, object, string]>([
    ['a minimum above its maximum', { ...wanted, minInstances: 2 }, 'minInstances'],
    ['fewer instances than none', { ...wanted, minInstances: -1 }, 'minInstances'],
    ['half an instance', { ...wanted, maxInstances: 1.5 }, 'maxInstances'],
    ['more instances than can be', { ...wanted, maxInstances: 1_001 }, 'maxInstances'],
    ['instances that hold nothing', { ...wanted, capacity: 0 }, 'capacity'],
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
    expect(all.map(({ tier }) => tier)).toEqual(expect.arrayContaining([...GRAPH_TIERS]));
    for (const tier of GRAPH_TIERS) {
      const ofTier = all.filter((instance) => instance.tier === tier);
      expect(namesOf(await list(`?tier=${tier}`))).toEqual(namesOf(ofTier));
      const active = ofTier.filter(({ state }) => state === 'ACTIVE');
      expect(namesOf(await list(`?tier=${tier}&state=ACTIVE`))).toEqual(namesOf(active));
    }
    expect(namesOf(await list('?state=ACTIVE'))).toEqual(namesOf(all.filter(({ state }) => state === 'ACTIVE')));
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
