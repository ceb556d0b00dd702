import { listSubgraphsRoute } from '../../contract/api/subgraph-routes.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphSummary } from '../views/graph-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** GET /v1/graphs/{graphId}/subgraphs: all of them; their number is limited. */
export const handler = apiFunction('list-subgraphs', listSubgraphsRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  return async ({ tenantId, params }) => {
    const parent = await graphOf(graphs, operations, tenantId, params.graphId);
    const found = await Promise.all(Object.values(parent.subgraphs).map((graphId) => graphs.get(graphId)));
    // One that has a place and no record is about to come or has just gone.
    const subgraphs = found
      .filter((subgraph) => subgraph !== undefined)
      .sort((left, right) => (left.name < right.name ? -1 : 1))
      .map((subgraph) => graphSummary({ ...subgraph, tier: parent.tier }));
    return { status: 200, body: { subgraphs } };
  };
});
