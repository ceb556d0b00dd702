import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { fleetRefreshes } from '../wiring/refresh.ts';

/**
 * Undoes a walk: what is under way is called off, or waited for once it cycles. What was refreshed stays so.
 * @throws {Retryable} some are not over
 */
export const handler = stepFunction('stop-walk', OperationInput, (environment) => {
  const refreshes = fleetRefreshes(environment);
  return ({ operationId }) => refreshes.recall(operationId);
});
