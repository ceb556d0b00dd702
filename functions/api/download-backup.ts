import { downloadBackupRoute } from '../../contract/api/backup-routes.ts';
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

const EXPIRES_IN_SECONDS = 15 * 60;

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  backups: Pick<BackupStore, 'get'>;
  objects: Pick<ObjectStore, 'signDownload'>;
};

/** GET /v1/graphs/{graphId}/backups/{backupId}/download: a URL; however long the download takes, no call of ours waits for it. */
export const downloadBackup =
  ({ graphs, operations, backups, objects }: Dependencies) =>
  async ({ tenantId, params }: ApiRequest<typeof downloadBackupRoute>): Promise<ApiResponse> => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const { key, bytes, checksum, backupId } = await backupOfGraph(backups, { ...params, graphId });
    const fileName = `${graphId}-${backupId}.lbug`;
    const { url, expiresAt } = await objects.signDownload({ key, fileName, expiresInSeconds: EXPIRES_IN_SECONDS });
    return { status: 200, body: { url, expiresAt, bytes, checksum } };
  };

export const handler = apiFunction('download-backup', downloadBackupRoute, (environment) =>
  downloadBackup({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    backups: backupStore(environment),
    objects: openObjectStore(environment.OBJECT_STORE_URL),
  }),
);
