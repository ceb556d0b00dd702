import { Refusal } from '../../domain/failure.ts';
import { Placement } from '../../domain/fleet/placement.ts';
import { graphRequestedBy } from '../../domain/graph/graph-creation.ts';
import { graphStore, instanceStore, operationLog } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

const OPEN = ['accepted', 'queued', 'running'];

/** Records the graph and takes its slot. The operation has started from here on. */
export const handler = stepFunction('take-slot', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const placement = new Placement(instanceStore(environment), graphs);
  return async ({ operationId }) => {
    const [accepted, last] = await Promise.all([operations.first(operationId), operations.last(operationId)]);
    if (!OPEN.includes(last.status)) throw new Refusal('operation_over', `The operation is ${last.status}.`);
    const graph = await placement.takeSlot(graphRequestedBy(accepted));
    try {
      await operations.append(
        operationId,
        { type: 'started', step: 'takeSlot', percent: 10, message: 'Slot taken' },
        last,
      );
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // The operation was undone while this run was held up: nobody else will undo what this run did.
      await placement.freeSlot(graph);
      await graphs.remove(graph.graphId, operationId);
      throw error;
    }
  };
});
