import { downloadBackupRoute } from '../../contract/api/backup-routes.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { backupOfGraph } from '../access/backup-access.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

const EXPIRES_IN_SECONDS = 15 * 60;

/** GET /v1/graphs/{graphId}/backups/{backupId}/download: a URL; however long the download takes, no call of ours waits for it. */
export const handler = apiFunction('download-backup', downloadBackupRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const backups = backupStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ tenantId, params }) => {
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const { key, bytes, checksum, backupId } = await backupOfGraph(backups, { ...params, graphId });
    const fileName = `${graphId}-${backupId}.lbug`;
    const { url, expiresAt } = await objects.signDownload({ key, fileName, expiresInSeconds: EXPIRES_IN_SECONDS });
    return { status: 200, body: { url, expiresAt, bytes, checksum } };
  };
});
