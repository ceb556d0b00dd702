import { endAccessRoute } from '../../contract/api/repository-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { endAccess as end } from '../../domain/repository/end-access.ts';
import { accessOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { creditStores } from '../wiring/billing.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** DELETE /v1/repositories/{repository}/access */
export const handler = apiFunction('end-access', endAccessRoute, (environment) => {
  const accesses = repositoryAccessStore(environment);
  const pools = creditStores(environment);
  return async ({ tenantId, params }) => {
    const access = await accessOf(accesses, tenantId, params.repository);
    if (!(await end(accesses, pools, access))) {
      const { operationId } = access;
      throw new Refusal('conflict', 'The access is being granted; cancel that operation.', { operationId });
    }
    return { status: 204, body: '' };
  };
});
