import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { removeAll } from '../../domain/snapshot/remove-all.ts';
import { partsPrefix } from '../../domain/table/table.ts';
import type { HasControlTable, HasObjects } from '../wiring/environment.ts';
import { graphStore } from '../wiring/graph.ts';
import { tableStore } from '../wiring/table.ts';

/** Removes all that is kept of the tables of a graph that came to nothing; of one that came to be used nothing. */
export const forgetsTables = (environment: HasControlTable & HasObjects) => {
  const graphs = graphStore(environment);
  const store = tableStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async (graphId: string): Promise<void> => {
    const status = (await graphs.get(graphId))?.status;
    if (status !== undefined && status !== 'provisioning') return;
    await store.erase(graphId, Number.POSITIVE_INFINITY);
    await removeAll(objects, partsPrefix(graphId));
  };
};
