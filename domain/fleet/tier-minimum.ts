import type { GraphTier, TierStore } from './tier.ts';

/** The ECS services that run instances: one service of one task each, named as the instance. */
export interface InstanceServices {
  /** Those of the names that exist. */
  existing(instanceIds: readonly string[]): Promise<Set<string>>;
  /** Repeating it is harmless. */
  create(instanceId: string, tier: GraphTier): Promise<void>;
}

/**
 * Creates the services that each tier's minimum lacks. Their names are counted out from 1, so two runs at once create
 * the same ones.
 * @returns how many were created
 */
export const keepTierMinimum = async (tiers: TierStore, services: InstanceServices): Promise<number> => {
  let launched = 0;
  for (const { tier, minInstances } of await tiers.list()) {
    const wanted = Array.from({ length: minInstances }, (_, at) => `inst-${tier}-${at + 1}`);
    const existing = await services.existing(wanted);
    for (const instanceId of wanted.filter((name) => !existing.has(name))) {
      await services.create(instanceId, tier);
      launched += 1;
    }
  }
  return launched;
};
