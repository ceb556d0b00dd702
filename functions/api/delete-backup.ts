import { deleteBackupRoute } from '../../contract/api/backup-routes.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { backupOfGraph } from '../access/backup-access.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** DELETE /v1/graphs/{graphId}/backups/{backupId}: the object before the record, by which it is found. */
export const handler = apiFunction('delete-backup', deleteBackupRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const backups = backupStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ tenantId, params }) => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const backup = await backupOfGraph(backups, { ...params, graphId });
    await objects.remove(backup.key);
    await backups.remove(backup);
    return { status: 204, body: '' };
  };
});
