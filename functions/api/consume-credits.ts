import { consumeCreditsRoute } from '../../contract/api/billing-routes.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { logger } from '../telemetry/logger.ts';
import { creditStore } from '../wiring/billing.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** POST /v1/graphs/{graphId}/credits/consumptions: the key says which consumption it is, so it counts once. */
export const handler = apiFunction('consume-credits', consumeCreditsRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const credits = creditStore(environment);
  return async ({ tenantId, params, body, idempotencyKey = '' }) => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const pool = await credits.consume(tenantId, graphId, { key: idempotencyKey, amount: body.amount });
    logger.info('Credits consumed', { graphId, amount: body.amount });
    return { status: 200, body: pool };
  };
});
