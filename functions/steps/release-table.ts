import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { type StageRequest, unpublishedParts } from '../../domain/table/staging.ts';
import { partsPrefix } from '../../domain/table/table.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableStore, tables } from '../wiring/table.ts';

/** Undoes ClaimTable, and what StageFiles has uploaded under the claim: first the parts, or they were somebody else's. */
export const handler = stepFunction('release-table', StepInput, (environment) => {
  const operations = operationLog(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ operationId, graphId }) => {
    const { table: name } = (await operations.first(operationId)).request as StageRequest;
    const table = await store.get(graphId, name);
    if (table.writer === operationId) {
      const keys = await objects.list(partsPrefix(graphId, name));
      for (const key of unpublishedParts(table, keys)) await objects.remove(key);
    }
    await changes.release(graphId, name, operationId, new Date().toISOString());
  };
});
