import { deleteGraphRoute } from '../../contract/api/subgraph-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { graphDeletion, graphStore } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** DELETE /v1/graphs/{graphId}: deletes a graph with its subgraphs. */
export const handler = apiFunction('delete-graph', deleteGraphRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const deletion = graphDeletion(environment);
  const pauses = pauseGate(environment);
  return async ({ tenantId, actor, params, query, idempotencyKey }) => {
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
});
