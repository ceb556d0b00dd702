import { graphStore } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes ActivateGraph: the graph is out of use before its snapshot is withdrawn. */
export const handler = stepFunction('deactivate-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  return ({ graphId, operationId }) => graphs.deactivate(graphId, operationId);
});
