import { createGraphRoute } from '../../contract/api/routes.ts';
import { GraphCreation } from '../../domain/graph/graph-creation.ts';
import { StepFunctionsWorkflows } from '../../domain/operation/step-functions-workflows.ts';
import { operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { logger } from '../pipeline/logger.ts';
import { accepted } from '../views/operation-view.ts';
import { graphRequestFrom } from './graph-request.ts';

/** POST /v1/graphs: opens the operation, starts its workflow, answers 202 with where to watch it. */
export const createGraph =
  (creation: GraphCreation) =>
  async ({ body, tenantId, actor, idempotencyKey }: ApiRequest<typeof createGraphRoute>): Promise<ApiResponse> => {
    const request = graphRequestFrom(body);
    const opened = await creation.accept({ tenantId, actor, idempotencyKey, body, request });
    if (opened.startError !== undefined) {
      const { operationId } = opened.accepted;
      logger.warn('The workflow did not start; the reconciler will start it', {
        operationId,
        error: opened.startError as Error,
      });
    }
    return accepted(opened.accepted, opened.replayed);
  };

export const handler = apiFunction('create-graph', createGraphRoute, (environment) => {
  const workflows = new StepFunctionsWorkflows({ 'provision-graph': environment.PROVISION_GRAPH_STATE_MACHINE_ARN });
  return createGraph(new GraphCreation(operationLog(environment), workflows));
});
