import { placedGraph } from '../../domain/fleet/host.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import type { HasControlTable } from '../wiring/environment.ts';
import { graphStore } from '../wiring/graph.ts';
import { leases } from '../wiring/lease.ts';

/**
 * Lets go what an operation that is over still holds of the instance of its graph: its job may have died after all was
 * done, and before it could. Where the graph has moved meanwhile, the look that comes each minute does it.
 */
export const letGo = (environment: HasControlTable) => {
  const graphs = graphStore(environment);
  const holdings = leases(environment);
  return async (graph: Graph | undefined, operationId: string): Promise<void> => {
    const host = graph && (await placedGraph(graph, graphs))?.placement;
    if (host) await holdings.releaseAll(host, operationId);
  };
};
