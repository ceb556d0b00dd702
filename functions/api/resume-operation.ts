import { resumeOperationRoute } from '../../contract/api/operation-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { operationAsOf } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { OperatorInput } from '../../domain/operation/operator-input.ts';
import { operationLog, operatorInput } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { operationView } from '../views/operation-view.ts';
import { commandOn } from './operation-access.ts';

/** POST /v1/operations/{operationId}/resume: answers what it waits for. Repeating the same answer is harmless. */
export const resumeOperation =
  (operations: OperationLog, inputs: OperatorInput) =>
  async ({ params, body, ...caller }: ApiRequest<typeof resumeOperationRoute>): Promise<ApiResponse> => {
    const { last, by } = await commandOn(operations, caller, params.operationId);
    if (last.input !== null && !caller.scopes.includes(last.input.scope)) {
      throw new Refusal('forbidden', `The answer needs a token with the scope "${last.input.scope}".`);
    }
    const event = await inputs.answer(last.operationId, body.answer, by);
    return { status: 202, body: operationView(operationAsOf(event)) };
  };

export const handler = apiFunction('resume-operation', resumeOperationRoute, (environment) =>
  resumeOperation(operationLog(environment), operatorInput(environment)),
);
