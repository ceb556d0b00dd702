import { Refusal } from '../failure.ts';
import type { Instance, InstanceStore } from '../fleet/instance.ts';
import { FLEET_TIERS, type FleetTier, type TierStore } from '../fleet/tier.ts';
import { type FleetRefreshRequest, MOST_PLANNED, planOf, type RefreshPlan } from './refresh-plan.ts';

type Stores = { instances: InstanceStore; tiers: TierStore };

/** The instances that a request is about, by tiers, by name, or both; the whole fleet by neither. */
export type Selection = { tiers: readonly FleetTier[] | null; instances: readonly string[] | null };

/**
 * The tiers that a refresh is about: those that are asked for, or those of the instances.
 * @throws {Refusal} `not_found`, `invalid_request`: an instance is not there, or of another tier
 */
export const tiersOf = async (
  { instances }: Pick<Stores, 'instances'>,
  { tiers, instances: named }: Selection,
): Promise<FleetTier[]> => {
  if (named === null) return FLEET_TIERS.filter((tier) => tiers === null || tiers.includes(tier));
  const found = await namedInstances(instances, named);
  found.forEach(({ instanceId, tier }, at) => {
    if (tiers === null || tiers.includes(tier)) return;
    throw new Refusal('invalid_request', `The instance "${instanceId}" is of the tier "${tier}".`, {
      issues: [{ path: `instances.${at}`, message: `Name "${tier}" among the tiers, or leave the tiers out.` }],
    });
  });
  return FLEET_TIERS.filter((known) => found.some(({ tier }) => tier === known));
};

/**
 * Plans a refresh of what there is now.
 * @throws {Refusal} `not_found`; `conflict` when no image is wanted of a tier; `too_large`
 */
export const planRefresh = async (
  { instances, tiers }: Stores,
  request: Pick<FleetRefreshRequest, 'tiers' | 'instances' | 'canary' | 'forceRestart'>,
): Promise<RefreshPlan> => {
  const selected =
    request.instances === null
      ? (await Promise.all(request.tiers.map((tier) => instances.listAll(tier)))).flat()
      : await namedInstances(instances, request.instances);
  // One that changes its state meanwhile can be listed in both.
  const found = [...new Map(selected.map((instance) => [instance.instanceId, instance])).values()];
  if (found.length > MOST_PLANNED) {
    throw new Refusal('too_large', `${found.length} instances are more than the ${MOST_PLANNED} of one refresh.`, {
      issues: [{ path: 'tiers', message: 'Refresh a tier at a time, or name instances.' }],
    });
  }
  const toImages: Partial<Record<FleetTier, string>> = {};
  for (const tier of FLEET_TIERS.filter((known) => found.some((instance) => instance.tier === known))) {
    const { image } = await tiers.get(tier);
    if (image !== undefined) toImages[tier] = image;
    else
      throw new Refusal('conflict', `No image is wanted of the tier "${tier}"; set one (PUT /v1/fleet/tiers/${tier}).`);
  }
  return planOf(found, toImages, request);
};

const namedInstances = async (store: InstanceStore, named: readonly string[]): Promise<Instance[]> =>
  Promise.all(
    [...new Set(named)].map(async (instanceId, at) => {
      const instance = await store.get(instanceId);
      if (instance !== undefined) return instance;
      throw new Refusal('not_found', `There is no instance "${instanceId}"; GET /v1/fleet/instances lists them.`, {
        issues: [{ path: `instances.${at}`, message: 'Name one that there is.' }],
      });
    }),
  );
