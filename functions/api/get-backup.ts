import { getBackupRoute } from '../../contract/api/backup-routes.ts';
import type { BackupStore } from '../../domain/backup/backup.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { backupStore } from '../backups.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { backupView } from '../views/backup-view.ts';
import { backupOfGraph } from './backup-access.ts';
import { graphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId}/backups/{backupId} */
export const getBackup =
  (graphs: GraphStore, operations: OperationLog, backups: Pick<BackupStore, 'get'>) =>
  async ({ tenantId, params }: ApiRequest<typeof getBackupRoute>): Promise<ApiResponse> => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    return { status: 200, body: backupView(await backupOfGraph(backups, { ...params, graphId })) };
  };

export const handler = apiFunction('get-backup', getBackupRoute, (environment) =>
  getBackup(graphStore(environment), operationLog(environment), backupStore(environment)),
);
