import type { Graph, GraphStore } from '../graph/graph.ts';
import type { Instance, InstanceStore } from './instance.ts';

/** The graph by whose placement a graph is found: a subgraph lives where its parent does. */
export const placedGraph = async (graph: Graph, graphs: GraphStore): Promise<Graph | undefined> =>
  graph.parentId === null ? graph : graphs.get(graph.parentId);

/** The instance that serves a graph; undefined while there is none. */
export const hostOf = async (
  graph: Graph,
  graphs: GraphStore,
  instances: InstanceStore,
): Promise<Instance | undefined> => {
  const placement = (await placedGraph(graph, graphs))?.placement ?? null;
  return placement === null ? undefined : instances.get(placement);
};
