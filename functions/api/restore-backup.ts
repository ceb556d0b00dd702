import { restoreBackupRoute } from '../../contract/api/backup-routes.ts';
import type { RestoreRequest } from '../../domain/backup/backup.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { backupOfGraph } from '../access/backup-access.ts';
import { graphInUse } from '../access/table-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/graphs/{graphId}/backups/{backupId}/restore */
export const handler = apiFunction('restore-backup', restoreBackupRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const pauses = pauseGate(environment);
  const writers = graphWriters(environment);
  const backups = backupStore(environment);
  return async ({ tenantId, actor, idempotencyKey, params }) => {
    const { graphId, backupId } = params;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the graph.
    if ((await operations.find(operationId)) === undefined) {
      const graph = await graphInUse(graphs, operations, tenantId, graphId);
      await backupOfGraph(backups, { graphId, backupId });
      await pauses.pass(graph.tier);
      await writers.check(graph, operationId);
    }
    const request: RestoreRequest = { backupId };
    const asked = { operationId, kind: 'backup.restore', tenantId, graphId, actor, request } as const;
    const body = { graphId, backupId };
    return accepted(await commands.accept({ ...asked, body }, () => writers.claim(graphId, operationId)));
  };
});
