import { backupIdFor } from '../../domain/backup/backup.ts';
import { Terminal } from '../../domain/failure.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { backupView } from '../views/backup-view.ts';
import { backupStore } from '../wiring/backup.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Ends the operation with the backup that it made.
 * @throws {Terminal} `conflict`: it is gone again
 */
export const handler = forwardStep('finish-backup', StepInput, (environment) => {
  const operations = operationLog(environment);
  const backups = backupStore(environment);
  return async ({ operationId, graphId }, last) => {
    const backup = await backups.get({ graphId, backupId: backupIdFor(last) });
    if (backup === undefined) throw new Terminal('conflict', 'The backup was removed meanwhile.');
    const { links: _, ...result } = backupView(backup);
    const message = `Version ${backup.snapshotVersion} is backed up`;
    await operations.append(operationId, { type: 'succeeded', message, result }, last);
  };
});
