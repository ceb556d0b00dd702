import { getGraphRoute } from '../../contract/api/routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { graphView } from '../views/graph-view.ts';
import { graphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId} */
export const getGraph =
  (graphs: GraphStore, operations: OperationLog) =>
  async ({ tenantId, params }: ApiRequest<typeof getGraphRoute>): Promise<ApiResponse> => ({
    status: 200,
    body: graphView(await graphOf(graphs, operations, tenantId, params.graphId)),
  });

export const handler = apiFunction('get-graph', getGraphRoute, (environment) =>
  getGraph(graphStore(environment), operationLog(environment)),
);
