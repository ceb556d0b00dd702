import type { FleetRefreshRequest } from '../../domain/refresh/refresh-plan.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';
import { fleetRefreshes } from '../wiring/refresh.ts';

/**
 * Takes note of the instances that are over, and begins those that may be begun.
 * @throws {WaitingForInstances} some are under way: the workflow is to wait
 */
export const handler = forwardStep('walk-fleet', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const refreshes = fleetRefreshes(environment);
  return async (_input, last) => {
    const { request } = await operations.firstBefore(last);
    await refreshes.walk(last, request as FleetRefreshRequest);
  };
});
