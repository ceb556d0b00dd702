import { serveQueue } from '../afterwards/serve-waiting.ts';
import { SpareInput, stepFunction } from '../pipeline/step-function.ts';
import { tierMove } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';

/** Frees the slot of the place that does not serve the graph, and with it the graph for another move. */
export const handler = stepFunction('free-spare-slot', SpareInput, (environment) => {
  const graphs = graphStore(environment);
  const moves = tierMove(environment);
  const serve = serveQueue(environment);
  return async ({ graphId, operationId, moveIs }) => {
    const spare = (await graphs.get(graphId))?.move?.spare;
    await moves.freeSpareSlot(graphId, operationId, moveIs);
    if (spare !== undefined) await serve(spare.tier);
  };
});
