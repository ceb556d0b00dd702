import { createGraphRoute } from '../../contract/api/graph-routes.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import type { KnownCapacity } from '../../domain/fleet/capacity.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { graphIdFor, operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationCommands, operationLog, pauseGate, paymentGate } from '../dependencies.ts';
import { knownCapacity } from '../fleet.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphRequestFrom } from './graph-request.ts';

type Dependencies = {
  commands: OperationCommands;
  operations: OperationLog;
  gate: PaymentGate;
  pauses: PauseGate;
  capacity: KnownCapacity;
};

/** POST /v1/graphs: opens the operation, starts its workflow, answers 202 with where to watch it. */
export const createGraph =
  ({ commands, operations, gate, pauses, capacity }: Dependencies) =>
  async ({ body, tenantId, actor, idempotencyKey }: ApiRequest<typeof createGraphRoute>): Promise<ApiResponse> => {
    const operationId = operationIdFor(tenantId, idempotencyKey);
    const graphId = graphIdFor(operationId);
    const [{ maxGraphs, refusal }, paused, found] = await Promise.all([
      gate.admitGraph(tenantId),
      pauses.pass(body.tier).then(
        () => undefined,
        (reason: unknown) => reason,
      ),
      // It only informs: a graph is accepted all the same.
      capacity.of(body.tier).catch(() => undefined),
    ]);
    // What was accepted before is answered as it was then.
    const refused = refusal ?? paused;
    if (refused !== undefined && (await operations.find(operationId)) === undefined) throw refused;
    const request: GraphRequest = { ...graphRequestFrom(body), ...(maxGraphs !== undefined && { maxGraphs }) };
    const detail = found === undefined ? {} : { capacity: found.state };
    return accepted(
      await commands.accept({ operationId, kind: 'graph.create', tenantId, graphId, actor, request, body, detail }),
    );
  };

export const handler = apiFunction('create-graph', createGraphRoute, (environment) =>
  createGraph({
    commands: operationCommands(environment),
    operations: operationLog(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
    capacity: knownCapacity(environment),
  }),
);
