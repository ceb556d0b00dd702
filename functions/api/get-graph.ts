import { getGraphRoute } from '../../contract/api/graph-routes.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { graphStore, operationLog, repositoryAccessStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { graphView } from '../views/graph-view.ts';
import { readableGraphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId} */
export const getGraph =
  (graphs: GraphStore, operations: OperationLog, accesses: RepositoryAccessStore) =>
  async ({ tenantId, params }: ApiRequest<typeof getGraphRoute>): Promise<ApiResponse> => {
    const graph = await readableGraphOf(graphs, operations, accesses, tenantId, params.graphId);
    const { tier } = (await placedGraph(graph, graphs)) ?? graph;
    return { status: 200, body: graphView({ ...graph, tier }) };
  };

export const handler = apiFunction('get-graph', getGraphRoute, (environment) =>
  getGraph(graphStore(environment), operationLog(environment), repositoryAccessStore(environment)),
);
