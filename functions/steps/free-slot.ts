import { Placement } from '../../domain/fleet/placement.ts';
import { graphStore, instanceStore } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes the slot that TakeSlot took. */
export const handler = stepFunction('free-slot', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const placement = new Placement(instanceStore(environment), graphs);
  return async ({ graphId }) => {
    const graph = await graphs.get(graphId);
    if (graph !== undefined) await placement.freeSlot(graph);
  };
});
