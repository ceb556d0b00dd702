import type { AccessRequest } from '../../domain/repository/repository-access.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** Undoes ActivateAccess. An access that was there before stays. */
export const handler = stepFunction('deactivate-access', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const accesses = repositoryAccessStore(environment);
  return async ({ operationId }) => {
    const { tenantId, request } = await operations.first(operationId);
    await accesses.deactivate(tenantId, (request as AccessRequest).repository, operationId);
  };
});
