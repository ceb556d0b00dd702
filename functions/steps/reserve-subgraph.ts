import { Refusal } from '../../domain/failure.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphStore, subgraphPlaces } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Takes the subgraph's place in its parent, then records it. A run that is late for its operation's log undoes itself,
 * because nobody else would.
 * @throws {Refusal} `operation_over`, `conflict`, `graph_not_ready`, `limit_reached`
 */
export const handler = forwardStep('reserve-subgraph', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const places = subgraphPlaces(environment);
  return async ({ operationId, graphId }, last) => {
    const graph = graphRequestedBy(await operations.firstBefore(last));
    if (graph.parentId === null) throw new Refusal('invalid_request', 'The request names no parent.');
    const place = { parentId: graph.parentId, name: graph.name, graphId };
    await places.reserve(place);
    await graphs.create(graph);
    // Its parent may have moved to another tier since this was asked for, and have told the subgraphs that were there.
    const parent = await graphs.get(graph.parentId);
    if (parent !== undefined && parent.tier !== graph.tier) await graphs.followTier(graphId, parent);
    const started = { type: 'started', step: 'reserveSubgraph', percent: 10, message: 'Name taken' } as const;
    try {
      await operations.append(operationId, started, last);
    } catch (error) {
      // A subgraph that came to be used keeps both; one that was deleted since does not come back.
      if (error instanceof Refusal) await places.giveBack(place, operationId);
      throw error;
    }
  };
});
