import { graphStore } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes the record that TakeSlot made, when nothing that it names is left. */
export const handler = stepFunction('delete-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  return ({ graphId, operationId }) => graphs.remove(graphId, operationId);
});
