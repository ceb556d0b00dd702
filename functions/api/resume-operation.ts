import { resumeOperationRoute } from '../../contract/api/operation-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import { commandOn } from '../access/operation-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { operationView } from '../views/operation-view.ts';
import { operationLog, operatorInput } from '../wiring/operation.ts';

/** POST /v1/operations/{operationId}/resume: answers what it waits for. Repeating the same answer is harmless. */
export const handler = apiFunction('resume-operation', resumeOperationRoute, (environment) => {
  const operations = operationLog(environment);
  const inputs = operatorInput(environment);
  return async ({ params, body, ...caller }) => {
    const { last, by } = await commandOn(operations, caller, params.operationId);
    if (last.input !== null && !caller.scopes.includes(last.input.scope)) {
      throw new Refusal('forbidden', `The answer needs a token with the scope "${last.input.scope}".`);
    }
    const event = await inputs.answer(last.operationId, body.answer, by);
    return { status: 202, body: operationView(operationAsOf(event)) };
  };
});
