import { cancelOperationRoute } from '../../contract/api/operation-routes.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationCommands, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { operationView } from '../views/operation-view.ts';
import { commandOn } from './operation-access.ts';

/** DELETE /v1/operations/{operationId}: cancels it. Repeating it is harmless until the operation is over. */
export const cancelOperation =
  (operations: OperationLog, commands: OperationCommands) =>
  async ({ params, ...caller }: ApiRequest<typeof cancelOperationRoute>): Promise<ApiResponse> => {
    const { last, by } = await commandOn(operations, caller, params.operationId);
    const event = await commands.cancel(last.operationId, by);
    return { status: 202, body: operationView(operationAsOf(event)) };
  };

export const handler = apiFunction('cancel-operation', cancelOperationRoute, (environment) =>
  cancelOperation(operationLog(environment), operationCommands(environment)),
);
