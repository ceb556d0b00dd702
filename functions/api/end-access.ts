import { endAccessRoute } from '../../contract/api/repository-routes.ts';
import type { CreditStore } from '../../domain/billing/credits.ts';
import { Refusal } from '../../domain/failure.ts';
import { creditPoolOf, type RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { creditStore, repositoryAccessStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accessOf } from './tenant-access.ts';

/**
 * DELETE /v1/repositories/{repository}/access: no query gets through from the first write on; a call that was cut short
 * after it is gone on with by the next.
 */
export const endAccess =
  (accesses: RepositoryAccessStore, credits: CreditStore) =>
  async ({ tenantId, params }: ApiRequest<typeof endAccessRoute>): Promise<ApiResponse> => {
    const access = await accessOf(accesses, tenantId, params.repository);
    const { repository, operationId } = access;
    if (!(await accesses.end(access))) {
      throw new Refusal('conflict', 'The access is being granted; cancel that operation.', { operationId });
    }
    await credits.revoke(tenantId, creditPoolOf(repository, operationId));
    await accesses.remove(tenantId, repository, operationId, ['ending']);
    return { status: 204, body: '' };
  };

export const handler = apiFunction('end-access', endAccessRoute, (environment) =>
  endAccess(repositoryAccessStore(environment), creditStore(environment)),
);
