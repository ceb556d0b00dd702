import { restoreBackupRoute } from '../../contract/api/backup-routes.ts';
import type { BackupStore, RestoreRequest } from '../../domain/backup/backup.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { GraphWriters } from '../../domain/graph/graph-writers.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { backupStore } from '../backups.ts';
import { graphStore, graphWriters, operationCommands, operationLog, pauseGate } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { backupOfGraph } from './backup-access.ts';
import { graphInUse } from './table-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  pauses: PauseGate;
  writers: GraphWriters;
  backups: Pick<BackupStore, 'get'>;
};

/** POST /v1/graphs/{graphId}/backups/{backupId}/restore */
export const restoreBackup =
  ({ graphs, operations, commands, pauses, writers, backups }: Dependencies) =>
  async (call: ApiRequest<typeof restoreBackupRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, idempotencyKey, params } = call;
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

export const handler = apiFunction('restore-backup', restoreBackupRoute, (environment) =>
  restoreBackup({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    pauses: pauseGate(environment),
    writers: graphWriters(environment),
    backups: backupStore(environment),
  }),
);
