import { expect, test } from 'vitest';
import { CreateGraph } from '../../contract/api/graphs.ts';
import { changeTierRoute } from '../../contract/api/tier-routes.ts';
import { DEFAULT_TIERS, FLEET_TIERS, GRAPH_TIERS } from '../../domain/fleet/tier.ts';
import { settingsFrom } from '../../local/settings.ts';

test('no tier of the fleet is skipped: each is wanted by default, on AWS and on one machine', () => {
  expect(DEFAULT_TIERS.map(({ tier }) => tier)).toEqual(FLEET_TIERS);
  expect(settingsFrom({}).tiers.map(({ tier }) => tier)).toEqual(FLEET_TIERS);
});

test('a tier that is set on one machine is the one that is wanted there, the shared one too', () => {
  const shared = { tier: 'shared', minInstances: 1, maxInstances: 1, capacity: 10 };
  expect(settingsFrom({ GRAPHFLEET_TIERS: JSON.stringify([shared]) }).tiers).toContainEqual(shared);
});

test('the tier of the repositories is not there for tenants to ask for', () => {
  expect(FLEET_TIERS).toEqual([...GRAPH_TIERS, 'shared']);
  expect(CreateGraph.safeParse({ name: 'Acme', tier: 'shared' }).success).toBe(false);
  expect(changeTierRoute.body.safeParse({ tier: 'shared' }).success).toBe(false);
  for (const tier of GRAPH_TIERS) expect(changeTierRoute.body.safeParse({ tier }).success).toBe(true);
});
