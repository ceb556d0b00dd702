import { FLEET_TIERS, type FleetTier } from '../../domain/fleet/tier.ts';
import { logger } from '../telemetry/logger.ts';

/** Does scheduled work for every tier; one that fails does not hold up the others. */
export const forEveryTier = async (work: (tier: FleetTier) => Promise<number>) => {
  const outcomes = await Promise.allSettled(FLEET_TIERS.map(work));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') logger.error('Work for a tier failed', { error: outcome.reason as Error });
  }
  return {
    done: outcomes.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0),
    failed: outcomes.filter(({ status }) => status === 'rejected').length,
  };
};
