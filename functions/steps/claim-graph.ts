import { Refusal } from '../../domain/failure.ts';
import { isUpToDate, type MaterializationRequest } from '../../domain/materialization/materialization.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { graphWriters, operationLog, tableStore } from '../dependencies.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';

/**
 * Makes the materialization the one that writes the graph. When there is nothing new to load, the operation ends here with
 * success. A run that is late for its operation's log gives the graph back.
 * @throws {Refusal} `operation_over`, `conflict`, `graph_not_ready`, `not_found`
 */
export const handler = forwardStep('claim-graph', StepInput, (environment) => {
  const operations = operationLog(environment);
  const writers = graphWriters(environment);
  const store = tableStore(environment);
  return async ({ operationId, graphId }, last) => {
    const request = (await operations.firstBefore(last)).request as MaterializationRequest;
    const graph = await writers.claim(graphId, operationId);
    const started = { type: 'started', step: 'claimGraph', percent: 5, message: 'Materializing' } as const;
    const known = await operations.append(operationId, started, last).catch(async (error: unknown) => {
      if (error instanceof Refusal) await writers.release(graphId, operationId);
      throw error;
    });
    if (request.force || request.rebuild) return;
    const staged = await store.list(graphId);
    if (!isUpToDate(graph, staged, request)) return;
    // First, while the operation is not over: who comes next must not be refused because of it.
    await writers.release(graphId, operationId);
    const { stale, snapshotVersion, materializedAt } = freshnessOf(graph, staged);
    const message = 'There is nothing new to load';
    const result = { skipped: true, stale, snapshotVersion, materializedAt };
    await operations.append(operationId, { type: 'succeeded', message, result }, known);
    throw new Refusal('operation_over', message);
  };
});
