import { dropDatabase } from '../../domain/fleet/drop-database.ts';
import { hostOf } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { instanceServices, instanceStore } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';

/** Removes what the graph's instance holds of it. An instance that is gone took its copy with it. */
export const handler = stepFunction('drop-database', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const fleet = { client: new HttpInstanceClient(), services: instanceServices(environment) };
  return async ({ graphId }) => {
    const graph = await graphs.get(graphId);
    const instance = graph && (await hostOf(graph, graphs, instances));
    if (instance !== undefined) await dropDatabase(fleet, instance, graphId);
  };
});
