import { closePool } from '../../domain/billing/credit-debts.ts';
import { type AccessRequest, creditPoolOf } from '../../domain/repository/repository-access.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { creditStores } from '../wiring/billing.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes AllocateCredits, and keeps a run of it that is late from doing it again. */
export const handler = stepFunction('revoke-access-credits', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const pools = creditStores(environment);
  return async ({ operationId }) => {
    const { tenantId, request } = await operations.first(operationId);
    const { repository } = request as AccessRequest;
    await closePool(pools, { tenantId, kind: repository, pool: creditPoolOf(repository, operationId) });
  };
});
