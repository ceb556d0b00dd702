import { INSTANCE_STATES, type Instance, type InstanceState } from './instance.ts';
import { FLEET_TIERS, type FleetTier, type Tier } from './tier.ts';

/** How the fleet is now, in numbers. */
export type FleetFigures = {
  instances: Record<InstanceState, number>;
  /** Instances that run another image than is wanted of their tier. */
  stale: number;
  /** For how long the gate has been closed that was closed first; 0 when all are open. */
  longestDrainMs: number;
  /** Operations at work. */
  busy: Record<FleetTier, number>;
  /** Places for graphs that can be taken. */
  freeSlots: Record<FleetTier, number>;
};

export const figuresOf = (instances: readonly Instance[], wanted: readonly Tier[], now: Date): FleetFigures => {
  const images = new Map(wanted.map(({ tier, image }) => [tier, image]));
  const figures: FleetFigures = {
    instances: zeroes(INSTANCE_STATES),
    stale: 0,
    longestDrainMs: 0,
    busy: zeroes(FLEET_TIERS),
    freeSlots: zeroes(FLEET_TIERS),
  };
  for (const { tier, state, image, drain, busyCount, capacity, used } of instances) {
    figures.instances[state] += 1;
    figures.busy[tier] += busyCount;
    if (state === 'ACTIVE') figures.freeSlots[tier] += Math.max(0, capacity - used);
    // One that is launching runs nothing yet.
    if (state !== 'LAUNCHING' && image !== (images.get(tier) ?? image)) figures.stale += 1;
    if (drain !== null)
      figures.longestDrainMs = Math.max(figures.longestDrainMs, now.getTime() - Date.parse(drain.since));
  }
  return figures;
};

const zeroes = <Key extends string>(keys: readonly Key[]) =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
