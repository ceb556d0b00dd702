import { serveQueue } from '../afterwards/serve-waiting.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { placementOf } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';

/** Frees a graph's slot, for whoever waits for one. */
export const handler = stepFunction('free-slot', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const placement = placementOf(environment);
  const serve = serveQueue(environment);
  return async ({ graphId }) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) return;
    await placement.freeSlot(graph);
    await serve(graph.tier);
  };
});
