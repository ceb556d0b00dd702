import { Terminal } from '../../domain/failure.ts';
import { writerOf } from '../../domain/graph/graph.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';

/** Makes a published graph usable and ends the operation with success. */
export const handler = forwardStep('activate-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  return async ({ graphId, operationId }, last) => {
    if (!(await graphs.activate(graphId, writerOf(operationId)))) {
      throw new Terminal('conflict', `The graph "${graphId}" is not this operation's to activate.`);
    }
    await operations.append(operationId, { type: 'succeeded', message: 'Graph active', result: { graphId } }, last);
  };
});
