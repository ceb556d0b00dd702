import { changeTierRoute } from '../../contract/api/tier-routes.ts';
import { refusalToMove, type TierRequest } from '../../domain/fleet/tier-move.ts';
import { hasStopped } from '../../domain/graph/graph-move.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/graphs/{graphId}/tier: begins the graph's move to another tier. */
export const handler = apiFunction('change-tier', changeTierRoute, (environment) => {
  const graphs = graphStore(environment);
  const writers = graphWriters(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const gate = paymentGate(environment);
  const pauses = pauseGate(environment);
  return async ({ tenantId, actor, idempotencyKey, params, body }) => {
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
      const refusal = stopped ? undefined : refusalToMove(await writers.withoutPastClaim(graph), tier);
      if (refusal !== undefined) throw refusal;
    }
    const request: TierRequest = { graphId, tier };
    return accepted(
      await commands.accept({ operationId, kind: 'graph.change_tier', tenantId, graphId, actor, request }),
    );
  };
});
