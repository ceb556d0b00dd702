import type { FleetTier } from './tier.ts';

/** The ECS services that run instances: one service of one task each, named as the instance. */
export interface InstanceServices {
  /** Those of the names that exist, or are still going away. */
  existing(instanceIds: readonly string[]): Promise<Set<string>>;
  /** Repeating it is harmless. */
  create(instanceId: string, tier: FleetTier): Promise<void>;
  /** Has a service go away, with its task. Repeating it is harmless. */
  remove(instanceId: string): Promise<void>;
}
