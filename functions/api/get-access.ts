import { type AccessView, getAccessRoute } from '../../contract/api/repository-routes.ts';
import type { RepositoryAccess, RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { repositoryAccessStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accessOf } from './tenant-access.ts';

/** GET /v1/repositories/{repository}/access */
export const getAccess =
  (accesses: RepositoryAccessStore) =>
  async ({ tenantId, params }: ApiRequest<typeof getAccessRoute>): Promise<ApiResponse> => ({
    status: 200,
    body: accessView(await accessOf(accesses, tenantId, params.repository)),
  });

const accessView = ({ repository, plan, status, graphId, grantedAt, operationId }: RepositoryAccess): AccessView => ({
  repository,
  plan,
  status,
  graphId,
  grantedAt,
  links: {
    self: `/v1/repositories/${repository}/access`,
    graph: `/v1/graphs/${graphId}`,
    query: `/v1/graphs/${graphId}/query`,
    operation: `/v1/operations/${operationId}`,
  },
});

export const handler = apiFunction('get-access', getAccessRoute, (environment) =>
  getAccess(repositoryAccessStore(environment)),
);
