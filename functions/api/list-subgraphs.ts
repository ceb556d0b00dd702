import { listSubgraphsRoute } from '../../contract/api/subgraph-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { graphSummary } from '../views/graph-view.ts';
import { graphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId}/subgraphs: all of them; their number is limited. */
export const listSubgraphs =
  (graphs: GraphStore, operations: OperationLog) =>
  async ({ tenantId, params }: ApiRequest<typeof listSubgraphsRoute>): Promise<ApiResponse> => {
    const parent = await graphOf(graphs, operations, tenantId, params.graphId);
    const found = await Promise.all(Object.values(parent.subgraphs).map((graphId) => graphs.get(graphId)));
    // One that has a place and no record is about to come or has just gone.
    const subgraphs = found
      .filter((subgraph) => subgraph !== undefined)
      .sort((left, right) => (left.name < right.name ? -1 : 1))
      .map((subgraph) => graphSummary({ ...subgraph, tier: parent.tier }));
    return { status: 200, body: { subgraphs } };
  };

export const handler = apiFunction('list-subgraphs', listSubgraphsRoute, (environment) =>
  listSubgraphs(graphStore(environment), operationLog(environment)),
);
