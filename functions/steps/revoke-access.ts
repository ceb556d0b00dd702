import type { AccessRequest } from '../../domain/repository/repository-access.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** Undoes GrantAccess. An access that was there before stays. */
export const handler = stepFunction('revoke-access', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const accesses = repositoryAccessStore(environment);
  return async ({ operationId }) => {
    const { tenantId, request } = await operations.first(operationId);
    const { repository } = request as AccessRequest;
    await accesses.remove(tenantId, repository, operationId, ['granting', 'active', 'suspended']);
  };
});
