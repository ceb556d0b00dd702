import { getOperationStatisticsRoute, type OperationStatistics } from '../../contract/api/operation-routes.ts';
import { operationStatistics } from '../../domain/operation/operation-statistics.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { spanFrom } from '../requests/span.ts';
import { operationLog } from '../wiring/operation.ts';

/** What one call looks at, some two megabytes. */
const MAX_OPERATIONS = 5_000;

/** GET /v1/operations/statistics */
export const handler = apiFunction('get-operation-statistics', getOperationStatisticsRoute, (environment) => {
  const operations = operationLog(environment);
  return async ({ tenantId, query }) => {
    const span = spanFrom(query, new Date());
    const found = await operationStatistics(operations, tenantId, span, MAX_OPERATIONS);
    return { status: 200, body: { ...span, ...found } satisfies OperationStatistics };
  };
});
