import { getCreditsRoute } from '../../contract/api/billing-routes.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { creditStore } from '../wiring/billing.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** GET /v1/graphs/{graphId}/credits: a graph that is being made has none yet. */
export const handler = apiFunction('get-credits', getCreditsRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const credits = creditStore(environment);
  return async ({ tenantId, params }) => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    return { status: 200, body: (await credits.get(tenantId, graphId)) ?? { graphId, allocated: 0, balance: 0 } };
  };
});
