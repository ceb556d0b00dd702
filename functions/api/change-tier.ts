import { changeTierRoute } from '../../contract/api/tier-routes.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { refusalToMove, type TierRequest } from '../../domain/fleet/tier-move.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import { hasStopped } from '../../domain/graph/graph-move.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { graphStore, operationCommands, operationLog, pauseGate, paymentGate } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  gate: PaymentGate;
  pauses: PauseGate;
};

/** POST /v1/graphs/{graphId}/tier: begins the graph's move to another tier. */
export const changeTier =
  ({ graphs, operations, commands, gate, pauses }: Dependencies) =>
  async (call: ApiRequest<typeof changeTierRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, idempotencyKey, params, body } = call;
    const { graphId } = params;
    const { tier } = body;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the graph.
    if ((await operations.find(operationId)) === undefined) {
      await gate.check(tenantId);
      const graph = await graphOf(graphs, operations, tenantId, graphId);
      await pauses.pass(graph.tier);
      await pauses.pass(tier);
      const { move } = graph;
      // One that switched and then stopped is gone on with by the next.
      const stopped = move !== null && hasStopped(move, await operations.get(move.operationId));
      const refusal = stopped ? undefined : refusalToMove(graph, tier);
      if (refusal !== undefined) throw refusal;
    }
    const request: TierRequest = { graphId, tier };
    return accepted(
      await commands.accept({ operationId, kind: 'graph.change_tier', tenantId, graphId, actor, request }),
    );
  };

export const handler = apiFunction('change-tier', changeTierRoute, (environment) =>
  changeTier({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
  }),
);
