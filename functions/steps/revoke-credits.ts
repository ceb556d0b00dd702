import { creditStore, operationLog } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes the credits that ActivateGraph allocated; those of a run that is late are refused. */
export const handler = stepFunction('revoke-credits', StepInput, (environment) => {
  const operations = operationLog(environment);
  const credits = creditStore(environment);
  return async ({ operationId, graphId }) => {
    await credits.revoke((await operations.last(operationId)).tenantId, graphId);
  };
});
