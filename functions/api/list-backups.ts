import { listBackupsRoute } from '../../contract/api/backup-routes.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { backupView } from '../views/backup-view.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** GET /v1/graphs/{graphId}/backups */
export const handler = apiFunction('list-backups', listBackupsRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const backups = backupStore(environment);
  return async ({ tenantId, params, query }) => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const [{ items, cursor }, all] = await Promise.all([backups.list(graphId, query), backups.listAll(graphId)]);
    const bytes = all.reduce((sum, backup) => sum + backup.bytes, 0);
    const stats = { count: all.length, bytes, newest: all[0]?.createdAt ?? null };
    return { status: 200, body: { backups: items.map(backupView), cursor, stats } };
  };
});
