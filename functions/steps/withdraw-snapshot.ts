import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { snapshotPrefix } from '../../domain/snapshot/snapshot.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';

/**
 * Undoes what BuildGraph published: first the pointer, then the files. DeactivateGraph has ended the claim,
 * so a run that is late removes its own.
 */
export const handler = stepFunction('withdraw-snapshot', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ graphId, operationId }) => {
    await graphs.withdraw(graphId, operationId);
    for (const key of await objects.list(snapshotPrefix(graphId))) await objects.remove(key);
  };
});
