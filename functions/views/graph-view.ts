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
    ...relatedLinksOf(graph),
  },
});

/** Whoever reads a repository is not its owner, to whom alone its operations and subgraphs are there. */
const relatedLinksOf = ({ graphId, parentId, kind, createdBy }: Graph): Partial<GraphSummary['links']> => {
  if (kind === 'repository') return {};
  const operation = `/v1/operations/${createdBy}`;
  return parentId === null
    ? { operation, subgraphs: `/v1/graphs/${graphId}/subgraphs` }
    : { operation, parent: `/v1/graphs/${parentId}` };
};

export const graphView = (graph: Graph): GraphView => {
  const { tags, subgraphCount, snapshotVersion, createdAt, links, ...identity } = graphSummary(graph);
  return { ...identity, schema: graph.schema, tags, subgraphCount, snapshotVersion, createdAt, links };
};
