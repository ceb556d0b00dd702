import { deleteGraphRoute } from '../../contract/api/subgraph-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { GraphDeletion } from '../../domain/graph/graph-deletion.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { graphDeletion, graphStore, operationCommands, operationLog, pauseGate } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  deletion: GraphDeletion;
  pauses: PauseGate;
};

/** DELETE /v1/graphs/{graphId}: deletes a graph with its subgraphs. */
export const deleteGraph =
  ({ graphs, operations, commands, deletion, pauses }: Dependencies) =>
  async (call: ApiRequest<typeof deleteGraphRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, params, query, idempotencyKey } = call;
    const { graphId } = params;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the graph.
    if ((await operations.find(operationId)) === undefined) {
      const graph = await graphOf(graphs, operations, tenantId, graphId);
      if (graph.parentId !== null) {
        const place = `/v1/graphs/${graph.parentId}/subgraphs/${graph.name}`;
        throw new Refusal('conflict', `"${graphId}" is a subgraph: delete it at ${place}.`);
      }
      await pauses.pass(graph.tier);
      await deletion.check(graph, operationId);
    }
    const request: DeletionRequest = { backup: query.backup, place: null, emptyVersion: null };
    const body = { graphId, ...query };
    return accepted(
      await commands.accept({ operationId, kind: 'graph.delete', tenantId, graphId, actor, request, body }),
    );
  };

export const handler = apiFunction('delete-graph', deleteGraphRoute, (environment) =>
  deleteGraph({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    deletion: graphDeletion(environment),
    pauses: pauseGate(environment),
  }),
);
