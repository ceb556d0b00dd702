import { Refusal } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { operationIdOfGraph } from '../../domain/identifier.ts';
import { isTerminal, type Operation } from '../../domain/operation/operation.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';

/**
 * A tenant's operation. Another tenant's does not exist.
 * @throws {Refusal} `not_found`
 */
export const operationOf = async (
  operations: OperationLog,
  tenantId: string,
  operationId: string,
): Promise<Operation> => {
  const operation = await operations.get(operationId);
  if (operation.tenantId !== tenantId) throw noOperation(operationId);
  return operation;
};

export const noOperation = (operationId: string): Refusal =>
  new Refusal('not_found', `There is no operation "${operationId}".`);

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
  // Looked for once more at the end: the record may have come between the first look and the log's.
  const graph =
    (await graphs.get(graphId)) ?? (await acceptedGraph(operations, graphId)) ?? (await graphs.get(graphId));
  if (graph?.tenantId !== tenantId) throw new Refusal('not_found', `There is no graph "${graphId}".`);
  return graph;
};

const acceptedGraph = async (operations: OperationLog, graphId: string): Promise<Graph | undefined> => {
  const operation = await operations.find(operationIdOfGraph(graphId));
  if (operation === undefined || operation.kind !== 'graph.create' || isTerminal(operation.status)) return undefined;
  return graphRequestedBy(await operations.first(operation.operationId));
};
