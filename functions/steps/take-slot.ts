import { Refusal } from '../../domain/failure.ts';
import { Placement } from '../../domain/fleet/placement.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { graphStore, instanceStore, operationLog } from '../dependencies.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';

/**
 * Records the graph and takes its slot. The operation has started from here on, if its log admits that: when it was
 * undone while this run was held up, the run undoes itself, because nobody else would.
 * @throws {Refusal} `operation_over`, `conflict`
 */
export const handler = forwardStep('take-slot', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const placement = new Placement(instanceStore(environment), graphs);
  return async ({ operationId }, last) => {
    const graph = await placement.takeSlot(graphRequestedBy(await operations.firstBefore(last)));
    const started = { type: 'started', step: 'takeSlot', percent: 10, message: 'Slot taken' } as const;
    try {
      await operations.append(operationId, started, last);
    } catch (error) {
      const undone = error instanceof Refusal && (await operations.last(operationId)).status !== 'succeeded';
      if (undone) {
        await placement.freeSlot(graph);
        await graphs.remove(graph.graphId, operationId);
      }
      throw error;
    }
  };
});
