import { hostOf } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { graphStore, instanceStore } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Removes what the graph's instance holds of it. An instance that is gone took its copy with it. */
export const handler = stepFunction('drop-database', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const client = new HttpInstanceClient();
  return async ({ graphId }) => {
    const graph = await graphs.get(graphId);
    const instance = graph && (await hostOf(graph, graphs, instances));
    if (instance !== undefined) await client.dropDatabase(instance, graphId);
  };
});
