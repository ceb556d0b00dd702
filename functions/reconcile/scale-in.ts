import { forEveryTier, retirements } from '../fleet.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** Retires instances that have been empty for a while and that their tiers can do without. */
export const handler = scheduledFunction('scale-in', (environment) => {
  const fleet = retirements(environment);
  return () => forEveryTier((tier) => fleet.scaleIn(tier));
});
