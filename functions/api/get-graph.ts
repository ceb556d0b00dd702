import { getGraphRoute } from '../../contract/api/graph-routes.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import { readableGraphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphView } from '../views/graph-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** GET /v1/graphs/{graphId} */
export const handler = apiFunction('get-graph', getGraphRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const accesses = repositoryAccessStore(environment);
  return async ({ tenantId, params }) => {
    const graph = await readableGraphOf(graphs, operations, accesses, tenantId, params.graphId);
    const { tier } = (await placedGraph(graph, graphs)) ?? graph;
    return { status: 200, body: graphView({ ...graph, tier }) };
  };
});
