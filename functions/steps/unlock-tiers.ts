import type { FleetRefreshRequest } from '../../domain/refresh/refresh-plan.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { refreshLock } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes the locking of the tiers. */
export const handler = stepFunction('unlock-tiers', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const lock = refreshLock(environment);
  return async ({ operationId }) => {
    const { tiers } = (await operations.first(operationId)).request as FleetRefreshRequest;
    for (const tier of tiers) await lock.free(tier, operationId);
  };
});
