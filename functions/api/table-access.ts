import { Refusal } from '../../domain/failure.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
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
  refuseUnlessActive(graph);
  refuseUnlessActive((await placedGraph(graph, graphs)) ?? graph);
  return graph;
};

const refuseUnlessActive = ({ graphId, status }: Graph): void => {
  if (status === 'active') return;
  if (status === 'suspended') {
    const message = `The graph "${graphId}" is suspended, with all it holds, until it is paid for.`;
    throw new Refusal('payment_required', message);
  }
  throw new Refusal('graph_not_ready', `The graph "${graphId}" is ${status}; follow its operation and ask again.`);
};
