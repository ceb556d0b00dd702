import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { graphStore, instanceStore } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Removes what BuildGraph left on the instance. An instance that is gone took its copy with it. */
export const handler = stepFunction('drop-database', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const client = new HttpInstanceClient();
  return async ({ graphId }) => {
    const placement = (await graphs.get(graphId))?.placement ?? null;
    const instance = placement === null ? undefined : await instances.get(placement);
    if (instance !== undefined) await client.dropDatabase(instance, graphId);
  };
});
