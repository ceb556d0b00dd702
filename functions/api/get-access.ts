import { type AccessView, getAccessRoute } from '../../contract/api/repository-routes.ts';
import type { RepositoryAccess } from '../../domain/repository/repository-access.ts';
import { accessOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** GET /v1/repositories/{repository}/access */
export const handler = apiFunction('get-access', getAccessRoute, (environment) => {
  const accesses = repositoryAccessStore(environment);
  return async ({ tenantId, params }) => ({
    status: 200,
    body: accessView(await accessOf(accesses, tenantId, params.repository)),
  });
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
