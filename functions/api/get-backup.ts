import { getBackupRoute } from '../../contract/api/backup-routes.ts';
import { backupOfGraph } from '../access/backup-access.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { backupView } from '../views/backup-view.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** GET /v1/graphs/{graphId}/backups/{backupId} */
export const handler = apiFunction('get-backup', getBackupRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const backups = backupStore(environment);
  return async ({ tenantId, params }) => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    return { status: 200, body: backupView(await backupOfGraph(backups, { ...params, graphId })) };
  };
});
