import { queryGraphRoute } from '../../contract/api/routes.ts';
import { Refusal, Retryable } from '../../domain/failure.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import type { Instance, InstanceStore } from '../../domain/fleet/instance.ts';
import type { InstanceClient } from '../../domain/fleet/instance-client.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
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

/** POST /v1/graphs/{graphId}/query: runs read-only Cypher on the graph's instance and streams the rows through. */
export const queryGraph =
  ({ graphs, operations, accesses, instances, client }: Dependencies) =>
  async ({ tenantId, params, body, header }: ApiRequest<typeof queryGraphRoute>): Promise<ApiResponse> => {
    const graph = await readableGraphOf(graphs, operations, accesses, tenantId, params.graphId);
    const snapshot = readySnapshot(graph);
    const placed = (await placedGraph(graph, graphs)) ?? graph;
    readySnapshot(placed);
    const lines = await client.query(await instanceOf(placed, instances), {
      graphId: graph.graphId,
      snapshot,
      ...body,
    });
    return (header('accept') ?? '').includes('application/x-ndjson')
      ? { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: asText(lines) }
      : { status: 200, body: queryResultJson(lines) };
  };

const readySnapshot = ({ graphId, status, snapshot }: Graph): Snapshot => {
  if (status === 'active' && snapshot !== null) return snapshot;
  if (status === 'suspended') {
    throw new Refusal(
      'payment_required',
      `The graph "${graphId}" is suspended, with all it holds, until it is paid for.`,
    );
  }
  throw new Refusal('graph_not_ready', `The graph "${graphId}" is ${status}; follow its operation and ask again.`);
};

const instanceOf = async ({ placement, graphId }: Graph, instances: InstanceStore): Promise<Instance> => {
  const instance = placement === null ? undefined : await instances.get(placement);
  if (instance !== undefined) return instance;
  throw new Retryable('unavailable', `No instance serves the graph "${graphId}" now.`, { delaySeconds: 5 });
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
