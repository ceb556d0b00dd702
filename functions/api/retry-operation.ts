import { retryOperationRoute } from '../../contract/api/operation-routes.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationCommands, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { operationView } from '../views/operation-view.ts';
import { commandOn } from './operation-access.ts';

/** POST /v1/operations/{operationId}/retry: takes up an undo that failed. */
export const retryOperation =
  (operations: OperationLog, commands: OperationCommands) =>
  async ({ params, ...caller }: ApiRequest<typeof retryOperationRoute>): Promise<ApiResponse> => {
    const { last, by } = await commandOn(operations, caller, params.operationId);
    const event = await commands.retry(last.operationId, by);
    return { status: 202, body: operationView(operationAsOf(event)) };
  };

export const handler = apiFunction('retry-operation', retryOperationRoute, (environment) =>
  retryOperation(operationLog(environment), operationCommands(environment)),
);
