import { Refusal } from '../failure.ts';
import type { Graph } from '../graph/graph.ts';
import type { RepositoryAccessStore } from './repository-access.ts';

/**
 * A graph if a tenant may read it: one of its own, or a repository that it has active access to.
 * @param graph undefined: there is none of this id
 * @throws {Refusal} `not_found`, `payment_required`
 */
export const readableBy = async (
  accesses: Pick<RepositoryAccessStore, 'get'>,
  tenantId: string,
  graphId: string,
  graph: Graph | undefined,
): Promise<Graph> => {
  if (graph?.tenantId === tenantId) return graph;
  // A repository's graph is named as the repository.
  const access = graph?.kind === 'repository' ? await accesses.get(tenantId, graph.name) : undefined;
  if (graph !== undefined && access?.status === 'active') return graph;
  if (access?.status === 'suspended')
    throw new Refusal('payment_required', `The access to "${access.repository}" is suspended until it is paid for.`);
  throw noGraph(graphId, graph);
};

/** @param graph the one that there is, of another tenant */
export const noGraph = (graphId: string, graph: Graph | undefined): Refusal =>
  new Refusal('not_found', `There is no graph "${graphId}".`, graph && { denied: true });
