import { listGraphsRoute } from '../../contract/api/graph-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import { graphStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { graphSummary } from '../views/graph-view.ts';

/** GET /v1/graphs: the tenant's graphs, a page at a time. */
export const listGraphs =
  (graphs: GraphStore) =>
  async ({ tenantId, query }: ApiRequest<typeof listGraphsRoute>): Promise<ApiResponse> => {
    const { items, cursor } = await graphs.listByTenant(tenantId, query);
    return { status: 200, body: { graphs: items.map(graphSummary), cursor } };
  };

export const handler = apiFunction('list-graphs', listGraphsRoute, (environment) =>
  listGraphs(graphStore(environment)),
);
