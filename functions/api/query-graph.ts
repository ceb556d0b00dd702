import { queryGraphRoute } from '../../contract/api/graph-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { readOnTier } from '../../domain/fleet/readers.ts';
import { type Graph, refuseUnlessInUse } from '../../domain/graph/graph.ts';
import type { Snapshot } from '../../domain/snapshot/snapshot.ts';
import { readableGraphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { queryResultJson } from '../views/query-result-json.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** POST /v1/graphs/{graphId}/query: runs read-only Cypher on an instance of the graph's tier and streams the rows through. */
export const handler = apiFunction('query-graph', queryGraphRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const accesses = repositoryAccessStore(environment);
  const instances = instanceStore(environment);
  const client = new HttpInstanceClient();
  return async ({ tenantId, params, body, header }) => {
    const graph = await readableGraphOf(graphs, operations, accesses, tenantId, params.graphId);
    const snapshot = readySnapshot(graph);
    const placed = (await placedGraph(graph, graphs)) ?? graph;
    readySnapshot(placed);
    const query = { graphId: graph.graphId, snapshot, ...body };
    const lines = await readOnTier(placed, instances, (instance) => client.query(instance, query));
    return (header('accept') ?? '').includes('application/x-ndjson')
      ? { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: asText(lines) }
      : { status: 200, body: queryResultJson(lines) };
  };
});

const readySnapshot = (graph: Graph): Snapshot => {
  refuseUnlessInUse(graph);
  if (graph.snapshot !== null) return graph.snapshot;
  throw new Refusal('graph_not_ready', `The graph "${graph.graphId}" has nothing to read yet.`);
};

async function* asText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
}
