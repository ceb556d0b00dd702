import { getOperationRoute } from '../../contract/api/routes.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { operationView } from '../views/operation-view.ts';
import { operationOf } from './tenant-access.ts';

/** GET /v1/operations/{operationId} */
export const getOperation =
  (operations: OperationLog) =>
  async ({ tenantId, params }: ApiRequest<typeof getOperationRoute>): Promise<ApiResponse> => ({
    status: 200,
    body: operationView(await operationOf(operations, tenantId, params.operationId)),
  });

export const handler = apiFunction('get-operation', getOperationRoute, (environment) =>
  getOperation(operationLog(environment)),
);
