import { getOperationStatisticsRoute, type OperationStatistics } from '../../contract/api/operation-routes.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationStatistics } from '../../domain/operation/operation-statistics.ts';
import { operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { spanFrom } from './span.ts';

/** What one call looks at, some two megabytes. */
const MAX_OPERATIONS = 5_000;

/** GET /v1/operations/statistics */
export const getOperationStatistics =
  (operations: OperationLog) =>
  async ({ tenantId, query }: ApiRequest<typeof getOperationStatisticsRoute>): Promise<ApiResponse> => {
    const span = spanFrom(query, new Date());
    const found = await operationStatistics(operations, tenantId, span, MAX_OPERATIONS);
    return { status: 200, body: { ...span, ...found } satisfies OperationStatistics };
  };

export const handler = apiFunction('get-operation-statistics', getOperationStatisticsRoute, (environment) =>
  getOperationStatistics(operationLog(environment)),
);
