import { createBackupRoute } from '../../contract/api/backup-routes.ts';
import { type BackupRequest, RETENTION } from '../../domain/backup/backup.ts';
import { Refusal } from '../../domain/failure.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { graphInUse } from '../access/table-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphStore } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/graphs/{graphId}/backups */
export const handler = apiFunction('create-backup', createBackupRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const pauses = pauseGate(environment);
  const backups = backupStore(environment);
  return async ({ tenantId, actor, idempotencyKey, params }) => {
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
});

/** @throws {Refusal} `limit_reached` */
const refuseBeyondMost = (count: number): void => {
  const { most } = RETENTION.manual;
  if (count < most) return;
  throw new Refusal('limit_reached', `A graph has at most ${most} backups of its tenant's own; delete one first.`);
};
