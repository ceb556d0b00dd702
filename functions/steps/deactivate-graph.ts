import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';

/** Undoes ActivateGraph and ends the operation's claim, so that nothing that is undone after it can come back. */
export const handler = stepFunction('deactivate-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  return ({ graphId, operationId }) => graphs.deactivate(graphId, operationId);
});
