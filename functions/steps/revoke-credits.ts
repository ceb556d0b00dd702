import { closePool, GRAPHS } from '../../domain/billing/credit-debts.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { creditStores } from '../wiring/billing.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes the credits that ActivateGraph allocated; those of a run that is late are refused. */
export const handler = stepFunction('revoke-credits', StepInput, (environment) => {
  const operations = operationLog(environment);
  const pools = creditStores(environment);
  return async ({ operationId, graphId }) => {
    const { tenantId } = await operations.last(operationId);
    await closePool(pools, { tenantId, kind: GRAPHS, pool: graphId });
  };
});
