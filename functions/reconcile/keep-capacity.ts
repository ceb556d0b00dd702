import { forEveryTier } from '../pipeline/every-tier.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { launches } from '../wiring/fleet.ts';

/** Launches the instances that tiers lack. */
export const handler = scheduledFunction('keep-capacity', (environment) => {
  const fleet = launches(environment);
  return () => forEveryTier((tier) => fleet.keep(tier));
});
