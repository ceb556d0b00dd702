import type { GraphView } from '../../contract/api/graphs.ts';
import type { Graph } from '../../domain/graph/graph.ts';

export const graphView = (graph: Graph): GraphView => ({
  graphId: graph.graphId,
  name: graph.name,
  kind: graph.kind,
  tier: graph.tier,
  status: graph.status,
  schema: graph.schema,
  tags: graph.tags,
  snapshotVersion: graph.snapshot?.version ?? null,
  createdAt: graph.createdAt,
  links: {
    self: `/v1/graphs/${graph.graphId}`,
    query: `/v1/graphs/${graph.graphId}/query`,
    operation: `/v1/operations/${graph.createdBy}`,
  },
});
