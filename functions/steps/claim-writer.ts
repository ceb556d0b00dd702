import { Refusal } from '../../domain/failure.ts';
import { forwardStep, refuseUnlessForward } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphWriters } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Makes the operation the one that writes the graph. A run that is late for the log gives the graph back.
 * @throws {Refusal} `operation_over`, `conflict`, `graph_not_ready`, `not_found`
 */
export const handler = forwardStep('claim-writer', StepInput, (environment) => {
  const operations = operationLog(environment);
  const writers = graphWriters(environment);
  return async ({ operationId, graphId }) => {
    await writers.claim(graphId, operationId);
    const started = { type: 'started', step: 'claimWriter', percent: 5, message: 'Graph claimed' } as const;
    try {
      // By the newest event: what was known before may have been undone since.
      refuseUnlessForward(await operations.append(operationId, started));
    } catch (error) {
      if (error instanceof Refusal) await writers.release(graphId, operationId);
      throw error;
    }
  };
});
