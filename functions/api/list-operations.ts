import { listOperationsRoute } from '../../contract/api/routes.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { operationView } from '../views/operation-view.ts';

/** GET /v1/operations: the tenant's operations, newest first, a page at a time. */
export const listOperations =
  (operations: OperationLog) =>
  async ({ tenantId, query }: ApiRequest<typeof listOperationsRoute>): Promise<ApiResponse> => {
    const { limit, cursor, ...filter } = query;
    const page = await operations.list(tenantId, filter, { limit, cursor });
    return { status: 200, body: { operations: page.items.map(operationView), cursor: page.cursor } };
  };

export const handler = apiFunction('list-operations', listOperationsRoute, (environment) =>
  listOperations(operationLog(environment)),
);
