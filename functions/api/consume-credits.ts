import { consumeCreditsRoute } from '../../contract/api/billing-routes.ts';
import type { CreditStore } from '../../domain/billing/credits.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { creditStore, graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { logger } from '../pipeline/logger.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = { graphs: GraphStore; operations: OperationLog; credits: CreditStore };

/** POST /v1/graphs/{graphId}/credits/consumptions: the key says which consumption it is, so it counts once. */
export const consumeCredits =
  ({ graphs, operations, credits }: Dependencies) =>
  async ({
    tenantId,
    params,
    body,
    idempotencyKey = '',
  }: ApiRequest<typeof consumeCreditsRoute>): Promise<ApiResponse> => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const pool = await credits.consume(tenantId, graphId, { key: idempotencyKey, amount: body.amount });
    logger.info('Credits consumed', { graphId, amount: body.amount });
    return { status: 200, body: pool };
  };

export const handler = apiFunction('consume-credits', consumeCreditsRoute, (environment) =>
  consumeCredits({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    credits: creditStore(environment),
  }),
);
