import { getFreshnessRoute } from '../../contract/api/table-routes.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { freshnessView } from '../views/table-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableStore } from '../wiring/table.ts';

/** GET /v1/graphs/{graphId}/freshness */
export const handler = apiFunction('get-freshness', getFreshnessRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const store = tableStore(environment);
  return async ({ tenantId, params }) => {
    const graph = await graphOf(graphs, operations, tenantId, params.graphId);
    return { status: 200, body: freshnessView(graph, await store.list(graph.graphId)) };
  };
});
