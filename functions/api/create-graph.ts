import { createGraphRoute } from '../../contract/api/routes.ts';
import { graphIdFor, operationIdFor } from '../../domain/identifier.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import { operationCommands } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphRequestFrom } from './graph-request.ts';

/** POST /v1/graphs: opens the operation, starts its workflow, answers 202 with where to watch it. */
export const createGraph =
  (commands: OperationCommands) =>
  async ({ body, tenantId, actor, idempotencyKey }: ApiRequest<typeof createGraphRoute>): Promise<ApiResponse> => {
    const request = graphRequestFrom(body);
    const operationId = operationIdFor(tenantId, idempotencyKey);
    const graphId = graphIdFor(operationId);
    return accepted(
      await commands.accept({ operationId, kind: 'graph.create', tenantId, graphId, actor, request, body }),
    );
  };

export const handler = apiFunction('create-graph', createGraphRoute, (environment) =>
  createGraph(operationCommands(environment)),
);
