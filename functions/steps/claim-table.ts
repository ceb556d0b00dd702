import { Refusal } from '../../domain/failure.ts';
import { refuseUnlessInUse } from '../../domain/graph/graph.ts';
import type { StageRequest } from '../../domain/table/staging.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tables } from '../wiring/table.ts';

/**
 * Claims the table for its staging. A run that comes after its undo finds that the claim has ended for good.
 * @throws {Refusal} `operation_over`, `conflict`, `graph_not_ready`, `payment_required`, `not_found`
 */
export const handler = forwardStep('claim-table', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const changes = tables(environment);
  return async ({ operationId, graphId }, last) => {
    const { table } = (await operations.firstBefore(last)).request as StageRequest;
    await changes.claim(graphId, table, operationId);
    // Looked at behind the claim, as a deletion looks for claims of tables behind its own: one of both sees the other.
    const graph = await graphs.get(graphId);
    if (graph === undefined) throw new Refusal('not_found', `There is no graph "${graphId}".`);
    refuseUnlessInUse(graph);
    const message = `Staging ${table}`;
    await operations.append(operationId, { type: 'started', step: 'claimTable', percent: 5, message }, last);
  };
});
