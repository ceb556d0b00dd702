import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { subgraphPlaces } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes ReserveSubgraph. */
export const handler = stepFunction('release-subgraph', StepInput, (environment) => {
  const operations = operationLog(environment);
  const places = subgraphPlaces(environment);
  return async ({ operationId, graphId }) => {
    const { parentId, name } = graphRequestedBy(await operations.first(operationId));
    if (parentId !== null) await places.giveBack({ parentId, name, graphId }, operationId);
  };
});
