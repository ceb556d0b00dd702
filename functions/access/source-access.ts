import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import {
  type Derivation,
  derivationsOf,
  type MaterializationSource,
  type SourceGraph,
  sourceAsOf,
  sourceGraphIds,
} from '../../domain/materialization/sources.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { readCypher } from '../../domain/query/cypher-tokens.ts';
import { guardReadOnly } from '../../domain/query/read-only-guard.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import type { TableSource } from '../../domain/table/table.ts';
import { readableGraphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  accesses: Pick<RepositoryAccessStore, 'get'>;
};

/**
 * What a tenant's graph is to be derived from, of graphs that the tenant may read.
 * @throws {Refusal} `not_found`, `payment_required`, `graph_not_ready`, `too_large`, `invalid_request`, and `read_only` or
 * `query_failed` for a query that shows at once that it is none to read with
 */
export const readableDerivations = async (
  { graphs, operations, accesses }: Dependencies,
  graph: Graph,
  sources: readonly MaterializationSource[],
): Promise<(Derivation & { source: TableSource })[]> => {
  const found = new Map<string, SourceGraph>();
  for (const graphId of sourceGraphIds(graph.graphId, sources)) {
    const readable = await readableGraphOf(graphs, operations, accesses, graph.tenantId, graphId);
    found.set(graphId, await sourceAsOf(graphs, readable, graph.tier));
  }
  return derivationsOf(graph, sources, found).map((derivation) => {
    const { graphId, query } = derivation;
    if (query !== null) guardReadOnly(readCypher(query.cypher).tokens);
    const snapshotVersion = found.get(graphId)?.snapshot.version ?? 0;
    return { ...derivation, source: { kind: query === null ? 'snapshot' : 'query', graphId, snapshotVersion } };
  });
};
