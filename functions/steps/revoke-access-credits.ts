import { type AccessRequest, creditPoolOf } from '../../domain/repository/repository-access.ts';
import { creditStore, operationLog } from '../dependencies.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes AllocateCredits, and keeps a run of it that is late from doing it again. */
export const handler = stepFunction('revoke-access-credits', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const credits = creditStore(environment);
  return async ({ operationId }) => {
    const { tenantId, request } = await operations.first(operationId);
    await credits.revoke(tenantId, creditPoolOf((request as AccessRequest).repository, operationId));
  };
});
