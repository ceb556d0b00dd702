import { Refusal } from '../../domain/failure.ts';
import { refuseUnlessInUse } from '../../domain/graph/graph.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Looks whether there is a graph to back up. Nothing of it is claimed: it is read, and can change meanwhile.
 * @throws {Refusal} `operation_over`, `graph_not_ready`, `payment_required`, `not_found`
 */
export const handler = forwardStep('begin-backup', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  return async ({ operationId, graphId }, last) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) throw new Refusal('not_found', `There is no graph "${graphId}".`);
    refuseUnlessInUse(graph);
    const message = 'Backing up';
    await operations.append(operationId, { type: 'started', step: 'beginBackup', percent: 5, message }, last);
  };
});
