import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { accountStore } from '../wiring/billing.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes the subscription that ActivateGraph activated, and tells the tenant why its graph did not come. */
export const handler = stepFunction('fail-subscription', StepInput, (environment) => {
  const operations = operationLog(environment);
  const accounts = accountStore(environment);
  return async ({ operationId }) => {
    const last = await operations.last(operationId);
    const { subscriptionId } = (await operations.firstBefore(last)).request as GraphRequest;
    if (subscriptionId === undefined) return;
    const reason = last.undo?.error?.message ?? 'The operation was cancelled.';
    await accounts.fail(last.tenantId, subscriptionId, operationId, reason);
  };
});
