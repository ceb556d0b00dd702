import type { FleetTier } from '../fleet/tier.ts';

/** What a plan allows. */
type Plan = { maxGraphs: number };

const PLANS: ReadonlyMap<string, Plan> = new Map([
  ['starter', { maxGraphs: 10 }],
  ['team', { maxGraphs: 100 }],
  // The set of a tenant's graphs is one item of the table, which has room for about 12,000 ids.
  ['enterprise', { maxGraphs: 10_000 }],
]);

/** Of a plan that this version does not know by name yet, and of a tenant without any: the least. */
const LEAST: Plan = { maxGraphs: 10 };

export const maxGraphsOf = (plans: readonly string[]): number =>
  Math.max(LEAST.maxGraphs, ...plans.map((plan) => (PLANS.get(plan) ?? LEAST).maxGraphs));

/** The credits that a graph begins with. */
export const CREDITS_BY_TIER: Readonly<Record<FleetTier, number>> = {
  standard: 1_000,
  large: 5_000,
  xlarge: 20_000,
  shared: 1_000,
};
