import { cancelOperationRoute } from '../../contract/api/operation-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { type OperationEvent, operationAsOf } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { commandOn } from '../access/operation-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { operationView } from '../views/operation-view.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** DELETE /v1/operations/{operationId}: cancels it. Repeating it is harmless until the operation is over. */
export const handler = apiFunction('cancel-operation', cancelOperationRoute, (environment) => {
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  return async ({ params, ...caller }) => {
    const { last, by } = await commandOn(operations, caller, params.operationId);
    if (by.detail?.byOperator === undefined) await mustBeOwn(operations, last);
    const event = await commands.cancel(last.operationId, by);
    return { status: 202, body: operationView(operationAsOf(event)) };
  };
});

/**
 * What the control plane deletes because nobody pays for it is not the tenant's to keep.
 * @throws {Refusal} `forbidden`
 */
const mustBeOwn = async (operations: OperationLog, last: OperationEvent): Promise<void> => {
  if (last.kind !== 'graph.delete') return;
  const { unlessPaid } = (await operations.firstBefore(last)).request as DeletionRequest;
  if (!unlessPaid) return;
  const { operationId, graphId } = last;
  throw new Refusal('forbidden', `"${graphId}" is deleted because nobody pays for it.`, { operationId });
};
