import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { launches } from '../fleet.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** Launches the instances that tiers lack. */
export const handler = scheduledFunction('keep-capacity', (environment) => {
  const fleet = launches(environment);
  return async () => {
    const launched = await Promise.all(FLEET_TIERS.map((tier) => fleet.keep(tier)));
    return { launched: launched.reduce((sum, count) => sum + count, 0) };
  };
});
