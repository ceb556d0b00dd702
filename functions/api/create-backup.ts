import { createBackupRoute } from '../../contract/api/backup-routes.ts';
import { type BackupRequest, type BackupStore, RETENTION } from '../../domain/backup/backup.ts';
import { Refusal } from '../../domain/failure.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { backupStore } from '../backups.ts';
import { graphStore, operationCommands, operationLog, pauseGate } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphInUse } from './table-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  pauses: PauseGate;
  backups: Pick<BackupStore, 'listAll'>;
};

/** POST /v1/graphs/{graphId}/backups */
export const createBackup =
  ({ graphs, operations, commands, pauses, backups }: Dependencies) =>
  async (call: ApiRequest<typeof createBackupRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, idempotencyKey, params } = call;
    const { graphId } = params;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the graph.
    if ((await operations.find(operationId)) === undefined) {
      const { tier } = await graphInUse(graphs, operations, tenantId, graphId);
      await pauses.pass(tier);
      refuseBeyondMost((await backups.listAll(graphId)).filter(({ kind }) => kind === 'manual').length);
    }
    const request: BackupRequest = { kind: 'manual' };
    const asked = { operationId, kind: 'backup.create', tenantId, graphId, actor, request } as const;
    return accepted(await commands.accept({ ...asked, body: { graphId, ...request } }));
  };

/** @throws {Refusal} `limit_reached` */
const refuseBeyondMost = (count: number): void => {
  const { most } = RETENTION.manual;
  if (count < most) return;
  throw new Refusal('limit_reached', `A graph has at most ${most} backups of its tenant's own; delete one first.`);
};

export const handler = apiFunction('create-backup', createBackupRoute, (environment) =>
  createBackup({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    pauses: pauseGate(environment),
    backups: backupStore(environment),
  }),
);
