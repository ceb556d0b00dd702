import { deleteBackupRoute } from '../../contract/api/backup-routes.ts';
import type { BackupStore } from '../../domain/backup/backup.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { backupStore } from '../backups.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { backupOfGraph } from './backup-access.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  backups: Pick<BackupStore, 'get' | 'remove'>;
  objects: Pick<ObjectStore, 'remove'>;
};

/** DELETE /v1/graphs/{graphId}/backups/{backupId}: the object before the record, by which it is found. */
export const deleteBackup =
  ({ graphs, operations, backups, objects }: Dependencies) =>
  async ({ tenantId, params }: ApiRequest<typeof deleteBackupRoute>): Promise<ApiResponse> => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const backup = await backupOfGraph(backups, { ...params, graphId });
    await objects.remove(backup.key);
    await backups.remove(backup);
    return { status: 204, body: '' };
  };

export const handler = apiFunction('delete-backup', deleteBackupRoute, (environment) =>
  deleteBackup({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    backups: backupStore(environment),
    objects: openObjectStore(environment.OBJECT_STORE_URL),
  }),
);
