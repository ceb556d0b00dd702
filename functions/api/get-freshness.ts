import { getFreshnessRoute } from '../../contract/api/table-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { TableStore } from '../../domain/table/table.ts';
import { graphStore, operationLog, tableStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { freshnessView } from '../views/table-view.ts';
import { graphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId}/freshness */
export const getFreshness =
  (graphs: GraphStore, operations: OperationLog, store: TableStore) =>
  async ({ tenantId, params }: ApiRequest<typeof getFreshnessRoute>): Promise<ApiResponse> => {
    const graph = await graphOf(graphs, operations, tenantId, params.graphId);
    return { status: 200, body: freshnessView(graph, await store.list(graph.graphId)) };
  };

export const handler = apiFunction('get-freshness', getFreshnessRoute, (environment) =>
  getFreshness(graphStore(environment), operationLog(environment), tableStore(environment)),
);
