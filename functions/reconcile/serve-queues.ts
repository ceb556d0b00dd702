import type { FleetTier } from '../../domain/fleet/tier.ts';
import { forEveryTier } from '../pipeline/every-tier.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measure } from '../telemetry/metrics.ts';
import { capacityQueue, capacityWait } from '../wiring/fleet.ts';

const A_RUN_MS = 40_000;

/** Gives free slots to those that wait, where whoever freed them did not come to it. */
export const handler = scheduledFunction('serve-queues', (environment) => {
  const capacity = capacityWait(environment);
  const queue = capacityQueue(environment);
  const measureQueue = async (tier: FleetTier): Promise<void> => {
    const [first] = await queue.list(tier, 1);
    const waitedMs = first === undefined ? 0 : Date.now() - Date.parse(first.createdAt);
    measure('QueueAge', waitedMs / 1_000, { tier });
  };
  return () =>
    forEveryTier(async (tier) => {
      const woken = await capacity.wakeServed(tier);
      const served = await capacity.serve(tier, A_RUN_MS);
      await measureQueue(tier);
      return woken + served;
    });
});
