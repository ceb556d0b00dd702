import type { CreateSubgraph } from '../../contract/api/graphs.ts';
import { createSubgraphRoute } from '../../contract/api/subgraph-routes.ts';
import { invalidRequest } from '../../domain/failure.ts';
import { unknownTables } from '../../domain/graph/fork.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import { graphIdFor, operationIdFor } from '../../domain/identifier.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphRequestFrom } from '../requests/graph-request.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { graphStore, subgraphPlaces } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/graphs/{graphId}/subgraphs: adds a subgraph, which lives where its parent does: an empty one, or a fork. */
export const handler = apiFunction('create-subgraph', createSubgraphRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const places = subgraphPlaces(environment);
  const gate = paymentGate(environment);
  const pauses = pauseGate(environment);
  return async ({ tenantId, actor, params, body, idempotencyKey }) => {
    const operationId = operationIdFor(tenantId, idempotencyKey);
    const graphId = graphIdFor(operationId);
    const kind = body.fork === null ? 'subgraph.create' : 'subgraph.fork';
    const asked = { operationId, kind, tenantId, graphId, actor } as const;
    const compared = { parentId: params.graphId, ...body };
    // A repeated call gets the first one's answer, whatever has become of the parent.
    if ((await operations.find(operationId)) !== undefined) {
      return accepted(await commands.accept({ ...asked, request: null, body: compared }));
    }
    await gate.check(tenantId);
    const parent = await graphOf(graphs, operations, tenantId, params.graphId);
    await pauses.pass(parent.tier);
    await places.check(parent, { parentId: parent.graphId, name: body.name, graphId });
    return accepted(await commands.accept({ ...asked, request: requestFrom(body, parent), body: compared }));
  };
});

/** @throws {Refusal} `invalid_request`, `too_large` */
const requestFrom = ({ name, schema, extensions, fork }: CreateSubgraph, parent: Graph): GraphRequest => {
  const empty = { name, kind: 'generic', entity: null, tags: {} } as const;
  const own = { parentId: parent.graphId, tier: parent.tier };
  if (fork !== null) {
    const issues = unknownTables(parent.schema, fork);
    if (issues.length > 0) throw invalidRequest(issues);
    return { ...empty, ...own, schema: parent.schema, fork };
  }
  if (schema === null && extensions.length === 0) return { ...empty, ...own, schema: parent.schema };
  return { ...graphRequestFrom({ ...empty, tier: 'standard', createEntity: false, schema, extensions }), ...own };
};
