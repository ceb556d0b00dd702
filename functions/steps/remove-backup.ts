import { backupIdFor, backupPrefix } from '../../domain/backup/backup.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { removeAll } from '../../domain/snapshot/remove-all.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphDeletion } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes what the operation backed up: of the graph, or in a deletion of its subgraphs as well. */
export const handler = stepFunction('remove-backup', StepInput, (environment) => {
  const operations = operationLog(environment);
  const deletion = graphDeletion(environment);
  const backups = backupStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ graphId, operationId }) => {
    await removeAll(objects, backupPrefix(graphId, operationId));
    const backupId = backupIdFor(await operations.last(operationId));
    const family = (await deletion.family(graphId)).map((member) => member.graphId);
    for (const member of new Set([graphId, ...family])) await backups.remove({ graphId: member, backupId });
  };
});
