import type { GraphSummary, GraphView } from '../../contract/api/graphs.ts';
import type { Graph } from '../../domain/graph/graph.ts';

export const graphSummary = (graph: Graph): GraphSummary => ({
  graphId: graph.graphId,
  name: graph.name,
  parentId: graph.parentId,
  kind: graph.kind,
  tier: graph.tier,
  status: graph.status,
  tags: graph.tags,
  subgraphCount: Object.keys(graph.subgraphs).length,
  snapshotVersion: graph.snapshot?.version ?? null,
  createdAt: graph.createdAt,
  links: {
    self: `/v1/graphs/${graph.graphId}`,
    query: `/v1/graphs/${graph.graphId}/query`,
    operation: `/v1/operations/${graph.createdBy}`,
    ...(graph.parentId === null
      ? { subgraphs: `/v1/graphs/${graph.graphId}/subgraphs` }
      : { parent: `/v1/graphs/${graph.parentId}` }),
  },
});

export const graphView = (graph: Graph): GraphView => {
  const { tags, subgraphCount, snapshotVersion, createdAt, links, ...identity } = graphSummary(graph);
  return { ...identity, schema: graph.schema, tags, subgraphCount, snapshotVersion, createdAt, links };
};
