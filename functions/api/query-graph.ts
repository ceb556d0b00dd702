import { queryGraphRoute } from '../../contract/api/graph-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import type { InstanceStore } from '../../domain/fleet/instance.ts';
import type { InstanceClient } from '../../domain/fleet/instance-client.ts';
import { readOnTier } from '../../domain/fleet/readers.ts';
import { type Graph, type GraphStore, refusalToUse } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import type { Snapshot } from '../../domain/snapshot/snapshot.ts';
import { graphStore, instanceStore, operationLog, repositoryAccessStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { queryResultJson } from './query-result-json.ts';
import { readableGraphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  accesses: RepositoryAccessStore;
  instances: InstanceStore;
  client: InstanceClient;
};

/** POST /v1/graphs/{graphId}/query: runs read-only Cypher on an instance of the graph's tier and streams the rows through. */
export const queryGraph =
  ({ graphs, operations, accesses, instances, client }: Dependencies) =>
  async ({ tenantId, params, body, header }: ApiRequest<typeof queryGraphRoute>): Promise<ApiResponse> => {
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

const readySnapshot = (graph: Graph): Snapshot => {
  const refusal = refusalToUse(graph);
  if (refusal !== undefined) throw refusal;
  if (graph.snapshot !== null) return graph.snapshot;
  throw new Refusal('graph_not_ready', `The graph "${graph.graphId}" has nothing to read yet.`);
};

async function* asText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
}

export const handler = apiFunction('query-graph', queryGraphRoute, (environment) =>
  queryGraph({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    accesses: repositoryAccessStore(environment),
    instances: instanceStore(environment),
    client: new HttpInstanceClient(),
  }),
);
