import { capacityWait, forEveryTier } from '../fleet.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

const A_RUN_MS = 40_000;

/** Gives free slots to those that wait, where whoever freed them did not come to it. */
export const handler = scheduledFunction('serve-queues', (environment) => {
  const capacity = capacityWait(environment);
  return () =>
    forEveryTier(async (tier) => {
      const woken = await capacity.wakeServed(tier);
      return woken + (await capacity.serve(tier, A_RUN_MS));
    });
});
