import { forEveryTier } from '../pipeline/every-tier.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { retirements } from '../wiring/fleet.ts';

/** Retires instances that have been empty for a while and that their tiers can do without. */
export const handler = scheduledFunction('scale-in', (environment) => {
  const fleet = retirements(environment);
  return () => forEveryTier((tier) => fleet.scaleIn(tier));
});
