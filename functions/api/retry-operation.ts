import { retryOperationRoute } from '../../contract/api/operation-routes.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import { commandOn } from '../access/operation-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { operationView } from '../views/operation-view.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/operations/{operationId}/retry: takes up an undo that failed. */
export const handler = apiFunction('retry-operation', retryOperationRoute, (environment) => {
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  return async ({ params, ...caller }) => {
    const { last, by } = await commandOn(operations, caller, params.operationId);
    const event = await commands.retry(last.operationId, by);
    return { status: 202, body: operationView(operationAsOf(event)) };
  };
});
