import { graphDeletion } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes BeginDelete: the graph and its subgraphs are what they were. */
export const handler = stepFunction('abandon-delete', StepInput, (environment) => {
  const deletion = graphDeletion(environment);
  return ({ graphId, operationId }) => deletion.abandon(graphId, operationId);
});
