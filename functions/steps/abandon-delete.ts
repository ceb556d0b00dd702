import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphDeletion } from '../wiring/graph.ts';

/** Undoes BeginDelete: the graph and its subgraphs are what they were. */
export const handler = stepFunction('abandon-delete', StepInput, (environment) => {
  const deletion = graphDeletion(environment);
  return ({ graphId, operationId }) => deletion.abandon(graphId, operationId);
});
