import { endAccessRoute } from '../../contract/api/repository-routes.ts';
import type { CreditDebtStore } from '../../domain/billing/credit-debts.ts';
import type { CreditStore } from '../../domain/billing/credits.ts';
import { Refusal } from '../../domain/failure.ts';
import { endAccess as end } from '../../domain/repository/end-access.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { creditStores, repositoryAccessStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accessOf } from './tenant-access.ts';

/** DELETE /v1/repositories/{repository}/access */
export const endAccess =
  (accesses: RepositoryAccessStore, pools: { credits: CreditStore; debts: CreditDebtStore }) =>
  async ({ tenantId, params }: ApiRequest<typeof endAccessRoute>): Promise<ApiResponse> => {
    const access = await accessOf(accesses, tenantId, params.repository);
    if (!(await end(accesses, pools, access))) {
      const { operationId } = access;
      throw new Refusal('conflict', 'The access is being granted; cancel that operation.', { operationId });
    }
    return { status: 204, body: '' };
  };

export const handler = apiFunction('end-access', endAccessRoute, (environment) =>
  endAccess(repositoryAccessStore(environment), creditStores(environment)),
);
