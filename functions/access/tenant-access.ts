import { Refusal } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { operationIdOfGraph } from '../../domain/identifier.ts';
import { isTerminal, type OperationKind } from '../../domain/operation/operation.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { noGraph, readableBy } from '../../domain/repository/readable-graph.ts';
import type { RepositoryAccess, RepositoryAccessStore } from '../../domain/repository/repository-access.ts';

/**
 * A tenant's graph. Another tenant's does not exist. One that was accepted a moment ago and has no record yet is shown
 * as it was asked for, so that the link in the 202 leads somewhere from the start.
 * @throws {Refusal} `not_found`
 */
export const graphOf = async (
  graphs: GraphStore,
  operations: OperationLog,
  tenantId: string,
  graphId: string,
): Promise<Graph> => {
  const graph = await findGraph(graphs, operations, graphId);
  if (graph?.tenantId === tenantId) return graph;
  throw noGraph(graphId, graph);
};

/**
 * A graph that a tenant may read: its own, or a repository that it has active access to.
 * @throws {Refusal} `not_found`, `payment_required`
 */
export const readableGraphOf = async (
  graphs: GraphStore,
  operations: OperationLog,
  accesses: Pick<RepositoryAccessStore, 'get'>,
  tenantId: string,
  graphId: string,
): Promise<Graph> => readableBy(accesses, tenantId, graphId, await findGraph(graphs, operations, graphId));

/**
 * A tenant's access to a repository.
 * @throws {Refusal} `not_found`
 */
export const accessOf = async (
  accesses: Pick<RepositoryAccessStore, 'get'>,
  tenantId: string,
  repository: string,
): Promise<RepositoryAccess> => {
  const access = await accesses.get(tenantId, repository);
  if (access === undefined) throw new Refusal('not_found', `There is no access to the repository "${repository}".`);
  return access;
};

/** Looked for once more at the end: the record may have come between the first look and the log's. */
const findGraph = async (graphs: GraphStore, operations: OperationLog, graphId: string): Promise<Graph | undefined> =>
  (await graphs.get(graphId)) ?? (await acceptedGraph(operations, graphId)) ?? (await graphs.get(graphId));

/** The kinds of operation whose graph has its id from them. */
const CREATES: readonly OperationKind[] = ['graph.create', 'subgraph.create', 'subgraph.fork'];

const acceptedGraph = async (operations: OperationLog, graphId: string): Promise<Graph | undefined> => {
  const operation = await operations.find(operationIdOfGraph(graphId));
  if (operation === undefined || !CREATES.includes(operation.kind) || isTerminal(operation.status)) return undefined;
  return graphRequestedBy(await operations.first(operation.operationId));
};
