import { closePool, GRAPHS } from '../../domain/billing/credit-debts.ts';
import { creditStores, operationLog } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes the credits that ActivateGraph allocated; those of a run that is late are refused. */
export const handler = stepFunction('revoke-credits', StepInput, (environment) => {
  const operations = operationLog(environment);
  const pools = creditStores(environment);
  return async ({ operationId, graphId }) => {
    const { tenantId } = await operations.last(operationId);
    await closePool(pools, { tenantId, kind: GRAPHS, pool: graphId });
  };
});
