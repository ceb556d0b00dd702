import { Refusal } from '../../domain/failure.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { isUpToDate, type MaterializationRequest } from '../../domain/materialization/materialization.ts';
import { derivationsOf, findSources } from '../../domain/materialization/sources.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { reportLineage } from '../wiring/lineage.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';
import { tableStore, tables } from '../wiring/table.ts';

/**
 * Makes the materialization the one that writes the graph and that publishes the tables it derives. When there is nothing new
 * to load, the operation ends here with success. A run that is late for its operation's log gives all of it back.
 * @throws {Refusal} `operation_over`, `conflict`, `graph_not_ready`, `not_found`; as `findSources` does
 */
export const handler = forwardStep('claim-graph', StepInput, (environment) => {
  const operations = operationLog(environment);
  const writers = graphWriters(environment);
  const store = tableStore(environment);
  const graphs = graphStore(environment);
  const accesses = repositoryAccessStore(environment);
  const changes = tables(environment);
  const tellLineage = reportLineage(environment);

  const claimDerived = async (operationId: string, graph: Graph, request: MaterializationRequest): Promise<void> => {
    const { sources = [] } = request;
    const derivations = derivationsOf(graph, sources, await findSources({ graphs, accesses }, graph, sources));
    for (const { table } of derivations) await changes.claim(graph.graphId, table, operationId);
  };
  const giveBack = async (operationId: string, graphId: string): Promise<void> => {
    await changes.releaseAll(graphId, operationId, new Date().toISOString());
    await writers.release(graphId, operationId);
  };

  return async ({ operationId, graphId }, last) => {
    const request = (await operations.firstBefore(last)).request as MaterializationRequest;
    const graph = await writers.claim(graphId, operationId);
    const started = { type: 'started', step: 'claimGraph', percent: 5, message: 'Materializing' } as const;
    const known = await claimDerived(operationId, graph, request)
      .then(() => operations.append(operationId, started, last))
      .catch(async (error: unknown) => {
        if (error instanceof Refusal) await giveBack(operationId, graphId);
        throw error;
      });
    const isAsked = request.force || request.rebuild || Boolean(request.sources?.length);
    const staged = isAsked ? [] : await store.list(graphId);
    if (isAsked || !isUpToDate(graph, staged, request)) {
      // What it is made of is known when it is loaded, and told then: events of a run add up.
      const { at, tenantId } = known;
      await tellLineage({ type: 'START', at, operationId, tenantId, graphId, inputs: [], output: null, error: null });
      return;
    }
    // First, while the operation is not over: who comes next must not be refused because of it.
    await writers.release(graphId, operationId);
    const { stale, snapshotVersion, materializedAt } = freshnessOf(graph, staged);
    const message = 'There is nothing new to load';
    const result = { skipped: true, stale, snapshotVersion, materializedAt };
    await operations.append(operationId, { type: 'succeeded', message, result }, known);
    throw new Refusal('operation_over', message);
  };
});
