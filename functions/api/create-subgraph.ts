import type { CreateSubgraph } from '../../contract/api/graphs.ts';
import { createSubgraphRoute } from '../../contract/api/subgraph-routes.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { Refusal } from '../../domain/failure.ts';
import { unknownTables } from '../../domain/graph/fork.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import type { SubgraphPlaces } from '../../domain/graph/subgraph-places.ts';
import { graphIdFor, operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import {
  graphStore,
  operationCommands,
  operationLog,
  pauseGate,
  paymentGate,
  subgraphPlaces,
} from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphRequestFrom } from './graph-request.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  places: SubgraphPlaces;
  gate: PaymentGate;
  pauses: PauseGate;
};

/** POST /v1/graphs/{graphId}/subgraphs: adds a subgraph, which lives where its parent does: an empty one, or a fork. */
export const createSubgraph =
  ({ graphs, operations, commands, places, gate, pauses }: Dependencies) =>
  async (call: ApiRequest<typeof createSubgraphRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, params, body, idempotencyKey } = call;
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

/** @throws {Refusal} `invalid_request`, `too_large` */
const requestFrom = ({ name, schema, extensions, fork }: CreateSubgraph, parent: Graph): GraphRequest => {
  const empty = { name, kind: 'generic', entity: null, tags: {} } as const;
  const own = { parentId: parent.graphId, tier: parent.tier };
  if (fork !== null) {
    const issues = unknownTables(parent.schema, fork);
    const [first] = issues;
    if (first !== undefined)
      throw new Refusal('invalid_request', `The body is not valid: ${first.path}: ${first.message}`, { issues });
    return { ...empty, ...own, schema: parent.schema, fork };
  }
  if (schema === null && extensions.length === 0) return { ...empty, ...own, schema: parent.schema };
  return { ...graphRequestFrom({ ...empty, tier: 'standard', createEntity: false, schema, extensions }), ...own };
};

export const handler = apiFunction('create-subgraph', createSubgraphRoute, (environment) =>
  createSubgraph({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    places: subgraphPlaces(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
  }),
);
