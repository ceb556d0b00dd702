import type { InstancePlace } from '../../domain/fleet/instance.ts';
import type { FleetTier } from '../../domain/fleet/tier.ts';
import { logger } from '../telemetry/logger.ts';
import type { HasControlTable } from '../wiring/environment.ts';
import { capacityWait } from '../wiring/fleet.ts';
import { instanceWaits } from '../wiring/lease.ts';

/** Serves a tier's queue after what a step is for is done: serving others does not decide how the step ends. */
export const serveQueue = (environment: HasControlTable) => {
  const capacity = capacityWait(environment);
  return async (tier: FleetTier): Promise<void> => {
    await capacity.serve(tier).catch((error: unknown) => {
      logger.warn('The queue is served by the schedule', { tier, error: error as Error });
    });
  };
};

/** Lets go on what waits for an instance; what is missed here is found by the schedule. */
export const wakeWaiting = (environment: HasControlTable) => {
  const waits = instanceWaits(environment);
  return async (instanceId: string): Promise<void> => {
    await waits.wake(instanceId).catch((error: unknown) => {
      logger.warn('Those that wait for an instance are woken by the schedule', { instanceId, error: error as Error });
    });
  };
};

/** The same for an instance whose gate has been opened, where graphs find places again too. */
export const whenOpened = (environment: HasControlTable) => {
  const wake = wakeWaiting(environment);
  const serve = serveQueue(environment);
  return async ({ instanceId, tier }: InstancePlace): Promise<void> => {
    await wake(instanceId);
    await serve(tier);
  };
};
