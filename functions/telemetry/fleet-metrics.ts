import type { FleetFigures } from '../../domain/fleet/fleet-figures.ts';
import type { InstanceState } from '../../domain/fleet/instance.ts';
import type { FleetTier } from '../../domain/fleet/tier.ts';
import { measure } from './metrics.ts';

/** Measures how the fleet is now. */
export const measureFleet = ({ instances, stale, longestDrainMs, busy, freeSlots }: FleetFigures): void => {
  for (const [state, count] of Object.entries(instances))
    measure('Instances', count, { state: state as InstanceState });
  for (const [tier, leases] of Object.entries(busy)) measure('BusyLeases', leases, { tier: tier as FleetTier });
  for (const [tier, slots] of Object.entries(freeSlots)) measure('FreeSlots', slots, { tier: tier as FleetTier });
  measure('StaleInstances', stale);
  measure('LongestDrain', longestDrainMs / 1_000);
};
