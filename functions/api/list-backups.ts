import { listBackupsRoute } from '../../contract/api/backup-routes.ts';
import type { BackupStore } from '../../domain/backup/backup.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { backupStore } from '../backups.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { backupView } from '../views/backup-view.ts';
import { graphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId}/backups */
export const listBackups =
  (graphs: GraphStore, operations: OperationLog, backups: Pick<BackupStore, 'list' | 'listAll'>) =>
  async ({ tenantId, params, query }: ApiRequest<typeof listBackupsRoute>): Promise<ApiResponse> => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const [{ items, cursor }, all] = await Promise.all([backups.list(graphId, query), backups.listAll(graphId)]);
    const bytes = all.reduce((sum, backup) => sum + backup.bytes, 0);
    const stats = { count: all.length, bytes, newest: all[0]?.createdAt ?? null };
    return { status: 200, body: { backups: items.map(backupView), cursor, stats } };
  };

export const handler = apiFunction('list-backups', listBackupsRoute, (environment) =>
  listBackups(graphStore(environment), operationLog(environment), backupStore(environment)),
);
