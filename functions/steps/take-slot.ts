import { Placement } from '../../domain/fleet/placement.ts';
import { graphRequestedBy } from '../../domain/graph/graph-creation.ts';
import { graphStore, instanceStore, operationLog } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Records the graph and takes its slot. The operation has started from here on. */
export const handler = stepFunction('take-slot', StepInput, (environment) => {
  const operations = operationLog(environment);
  const placement = new Placement(instanceStore(environment), graphStore(environment));
  return async ({ operationId }) => {
    const accepted = await operations.first(operationId);
    await placement.takeSlot(graphRequestedBy(accepted));
    await operations.append(
      operationId,
      { type: 'started', step: 'takeSlot', percent: 10, message: 'Slot taken' },
      accepted,
    );
  };
});
