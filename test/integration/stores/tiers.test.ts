import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { setTierRoute } from '../../../contract/api/fleet-routes.ts';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoTierStore } from '../../../domain/fleet/dynamo-tier-store.ts';
import { DEFAULT_TIERS, type FleetTier } from '../../../domain/fleet/tier.ts';
import { wantedImage } from '../../../domain/fleet/wanted-image.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const ONE = `sha256:${'1'.repeat(64)}`;
const TWO = `sha256:${'2'.repeat(64)}`;
const SIZES = { minInstances: 2, maxInstances: 3, capacity: 5 };

let table: ControlTableClient;
let close: () => Promise<void>;
let tiers: DynamoTierStore;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
  tiers = new DynamoTierStore(table);
});
afterAll(() => close());

const wantedOf = async (tier: FleetTier) => (await tiers.list()).find((one) => one.tier === tier);
const templates = (image: string) => ({ templateImage: async () => image });

test('what is not said of a tier stays as it is, and by default before that', async () => {
  expect(await tiers.list()).toEqual(DEFAULT_TIERS);

  await tiers.put({ tier: 'standard', ...SIZES, image: ONE, approval: true });
  const now = await tiers.put({ tier: 'standard', ...SIZES, capacity: 7 });

  expect(now).toEqual({ tier: 'standard', ...SIZES, capacity: 7, image: ONE, approval: true });
  expect(await wantedOf('standard')).toEqual(now);
  expect(await wantedOf('large')).toEqual(DEFAULT_TIERS.find(({ tier }) => tier === 'large'));
});

test('sizes that are set while an image is named do not take it back', async () => {
  await Promise.all([
    tiers.put({ tier: 'xlarge', ...SIZES, image: TWO }),
    ...Array.from({ length: 5 }, () => tiers.put({ tier: 'xlarge', ...SIZES })),
  ]);
  expect(await wantedOf('xlarge')).toMatchObject({ image: TWO });
});

test('of two who set different fields at once neither loses one', async () => {
  const image = { tier: 'shared', image: ONE } as const;
  await Promise.all([
    tiers.put(image),
    tiers.put({ tier: 'shared', capacity: 9 }),
    tiers.put({ tier: 'shared', approval: true }),
  ]);
  const byDefault = DEFAULT_TIERS.find(({ tier }) => tier === 'shared');
  expect(await wantedOf('shared')).toEqual({ ...byDefault, ...image, capacity: 9, approval: true });
});

test('a minimum and a maximum that are set alone, at once too, never cross', async () => {
  const refusal = (path: string) => ({ code: 'invalid_request', issues: [{ path }] });
  await tiers.put({ tier: 'standard', minInstances: 1, maxInstances: 5 });
  await expect(tiers.put({ tier: 'standard', minInstances: 6 })).rejects.toMatchObject(refusal('minInstances'));
  await expect(tiers.put({ tier: 'standard', maxInstances: 0 })).rejects.toMatchObject(refusal('maxInstances'));
  expect(await wantedOf('standard')).toMatchObject({ minInstances: 1, maxInstances: 5 });

  const both = [tiers.put({ tier: 'standard', minInstances: 4 }), tiers.put({ tier: 'standard', maxInstances: 3 })];
  const ended = await Promise.allSettled(both);
  expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const { minInstances = 0, maxInstances = 0 } = (await wantedOf('standard')) ?? {};
  expect(minInstances).toBeLessThanOrEqual(maxInstances);
});

test('what nobody has set is compared as it is by default', async () => {
  const { table: empty, close: closeEmpty } = await startControlTable();
  onTestFinished(closeEmpty);
  const unset = new DynamoTierStore(empty);
  await expect(unset.put({ tier: 'xlarge', minInstances: 5 })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(unset.put({ tier: 'standard', maxInstances: 0 })).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await unset.list()).toEqual(DEFAULT_TIERS);
  expect(await unset.put({ tier: 'xlarge', minInstances: 4 })).toMatchObject({ minInstances: 4, maxInstances: 4 });
});

test('the image of the deploy is wanted of a tier from its first launch on, until somebody names another', async () => {
  expect(await wantedImage(tiers, templates(ONE), 'large')).toBe(ONE);
  expect(await wantedImage(tiers, templates(TWO), 'large')).toBe(ONE);
  expect(await wantedOf('large')).toEqual({ ...DEFAULT_TIERS.find(({ tier }) => tier === 'large'), image: ONE });

  await tiers.put({ tier: 'large', ...SIZES, image: TWO });

  expect(await wantedImage(tiers, templates(ONE), 'large')).toBe(TWO);
});

test('an image is named by its digest', () => {
  expect(setTierRoute.body.safeParse({ image: ONE }).success).toBe(true);
  for (const image of ['latest', 'sha256:1', ONE.toUpperCase(), `repository@${ONE}`, null]) {
    expect(setTierRoute.body.safeParse({ image }).success).toBe(false);
  }
});
