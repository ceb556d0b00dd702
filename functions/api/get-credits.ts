import { getCreditsRoute } from '../../contract/api/billing-routes.ts';
import type { CreditStore } from '../../domain/billing/credits.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { creditStore, graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = { graphs: GraphStore; operations: OperationLog; credits: CreditStore };

/** GET /v1/graphs/{graphId}/credits: a graph that is being made has none yet. */
export const getCredits =
  ({ graphs, operations, credits }: Dependencies) =>
  async ({ tenantId, params }: ApiRequest<typeof getCreditsRoute>): Promise<ApiResponse> => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    return { status: 200, body: (await credits.get(tenantId, graphId)) ?? { graphId, allocated: 0, balance: 0 } };
  };

export const handler = apiFunction('get-credits', getCreditsRoute, (environment) =>
  getCredits({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    credits: creditStore(environment),
  }),
);
