import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { capacityWait } from '../fleet.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

const A_RUN_MS = 40_000;

/** Gives free slots to those that wait, where whoever freed them did not come to it. */
export const handler = scheduledFunction('serve-queues', (environment) => {
  const capacity = capacityWait(environment);
  return async () => {
    const served = await Promise.all(FLEET_TIERS.map((tier) => capacity.serve(tier, A_RUN_MS)));
    return { served: served.reduce((sum, count) => sum + count, 0) };
  };
});
