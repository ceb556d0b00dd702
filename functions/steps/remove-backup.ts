import { deletionBackupPrefix } from '../../domain/graph/deletion.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { removeAll } from '../../domain/snapshot/remove-all.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes what BackUpGraph copied. */
export const handler = stepFunction('remove-backup', StepInput, (environment) => {
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return ({ graphId, operationId }) => removeAll(objects, deletionBackupPrefix(graphId, operationId));
});
