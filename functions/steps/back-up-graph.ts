import { Refusal } from '../../domain/failure.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphDeletion } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Keeps the last snapshots, if that was asked for, and tells the log that from here on the deletion only goes forward.
 * A run that is late for the log removes its copies.
 */
export const handler = forwardStep('back-up-graph', StepInput, (environment) => {
  const operations = operationLog(environment);
  const deletion = graphDeletion(environment);
  const store = backupStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ operationId, graphId }, last) => {
    const { backup } = (await operations.firstBefore(last)).request as DeletionRequest;
    const backups = backup ? await deletion.backUp(graphId, last, objects) : [];
    for (const made of backups) await store.put(made);
    const backedUp = {
      type: 'progress',
      step: 'backUpGraph',
      percent: 40,
      message: backup ? 'Backed up' : 'Not backed up, as asked',
      detail: { backups: backups.map(({ key }) => key) },
      pointOfNoReturn: true,
    } as const;
    try {
      await operations.append(operationId, backedUp, last);
    } catch (error) {
      if (error instanceof Refusal && (await operations.last(operationId)).cancellable) {
        for (const made of backups) {
          await objects.remove(made.key);
          await store.remove(made);
        }
      }
      throw error;
    }
  };
});
