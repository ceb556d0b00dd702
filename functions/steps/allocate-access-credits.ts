import { openPool } from '../../domain/billing/credit-debts.ts';
import { Terminal } from '../../domain/failure.ts';
import { REPOSITORY_PLANS } from '../../domain/repository/repository.ts';
import { type AccessRequest, creditPoolOf } from '../../domain/repository/repository-access.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { creditStores } from '../wiring/billing.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/**
 * Gives the access the credits of its plan. An access that was there before has had its own.
 * @throws {Terminal} `conflict` when the access or its credits were taken back
 */
export const handler = forwardStep('allocate-access-credits', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const accesses = repositoryAccessStore(environment);
  const pools = creditStores(environment);
  return async ({ operationId }, last) => {
    const { tenantId, request } = await operations.firstBefore(last);
    const { repository } = request as AccessRequest;
    const access = await accesses.get(tenantId, repository);
    if (access === undefined) throw new Terminal('conflict', 'The access was taken back.');
    if (access.operationId !== operationId) return;
    const amount = REPOSITORY_PLANS[access.plan];
    const pool = { tenantId, kind: repository, pool: creditPoolOf(repository, operationId) };
    await openPool(pools, pool, { key: operationId, amount });
    const allocated = {
      type: 'step_completed',
      step: 'allocateCredits',
      percent: 80,
      message: `${amount} credits allocated`,
    } as const;
    await operations.append(operationId, allocated, last);
  };
});
