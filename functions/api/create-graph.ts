import { createGraphRoute } from '../../contract/api/graph-routes.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { graphIdFor, operationIdFor } from '../../domain/identifier.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphRequestFrom } from '../requests/graph-request.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { knownCapacity } from '../wiring/fleet.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/graphs: opens the operation, starts its workflow, answers 202 with where to watch it. */
export const handler = apiFunction('create-graph', createGraphRoute, (environment) => {
  const commands = operationCommands(environment);
  const operations = operationLog(environment);
  const gate = paymentGate(environment);
  const pauses = pauseGate(environment);
  const capacity = knownCapacity(environment);
  return async ({ body, tenantId, actor, idempotencyKey }) => {
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
});
