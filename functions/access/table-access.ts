import { placedGraph } from '../../domain/fleet/host.ts';
import { type Graph, type GraphStore, refuseUnlessInUse } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { graphOf } from './tenant-access.ts';

/**
 * A tenant's graph that can be loaded: one that is in use, as its parent is if it is a subgraph.
 * @throws {Refusal} `not_found`, `payment_required` while it is suspended, `graph_not_ready`
 */
export const graphInUse = async (
  graphs: GraphStore,
  operations: OperationLog,
  tenantId: string,
  graphId: string,
): Promise<Graph> => {
  const graph = await graphOf(graphs, operations, tenantId, graphId);
  refuseUnlessInUse(graph);
  refuseUnlessInUse((await placedGraph(graph, graphs)) ?? graph);
  return graph;
};
