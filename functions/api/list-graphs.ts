import { listGraphsRoute } from '../../contract/api/graph-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphSummary } from '../views/graph-view.ts';
import { graphStore } from '../wiring/graph.ts';

/** GET /v1/graphs: the tenant's graphs, a page at a time. */
export const handler = apiFunction('list-graphs', listGraphsRoute, (environment) => {
  const graphs = graphStore(environment);
  return async ({ tenantId, query }) => {
    const { items, cursor } = await graphs.listByTenant(tenantId, query);
    return { status: 200, body: { graphs: items.map(graphSummary), cursor } };
  };
});
