import { ulid } from 'ulid';
import {
  type Backup,
  type BackupRequest,
  type BackupStore,
  backupOf,
  backupPrefix,
} from '../../domain/backup/backup.ts';
import { Refusal, Terminal } from '../../domain/failure.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { AcceptedEvent, OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import type { Snapshot } from '../../domain/snapshot/snapshot.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { refuseHandedOver } from './commit-upload.ts';
import type { JobWork } from './job-runner.ts';
import { lendCurrent } from './lend-current.ts';

type Dependencies = {
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
  backups: BackupStore;
};

/**
 * Copies a graph's snapshot to where nothing that happens to the graph reaches, and records it. The file is read and
 * seen to be what was published before it is copied. Each run has an object of its own; the first that is recorded stays.
 */
export const backUp =
  ({ cache, operations, graphs, objects, backups }: Dependencies): JobWork<'back-up'> =>
  async (job, signal) => {
    const { operationId, graphId } = job;
    const last = await operations.last(operationId);
    if (last.status !== 'running') throw new Refusal('operation_over', `The operation is ${last.status}.`);
    const snapshot = (await graphs.get(graphId))?.snapshot;
    if (!snapshot) throw new Terminal('conflict', `The graph "${graphId}" has no snapshot to back up.`);
    const made = newBackup(graphId, snapshot, await operations.firstBefore(last));

    let isOffered = false;
    /**
     * What is recorded, or may still come to be, stays while the operation goes forward, because another run's success may
     * rest on it. Whoever undoes the operation removes it; only what comes after that is removed here.
     */
    const forget = async (): Promise<void> => {
      const isLate = !isOffered || isUndone(await operations.last(operationId));
      const recorded = (await backups.get(made))?.key ?? made.key;
      if (!isLate && recorded === made.key) return;
      await objects.remove(made.key);
      if (isOffered && recorded === made.key) await backups.remove(made);
    };
    try {
      await lendCurrent({ cache, graphs }, graphId, snapshot, (file) => objects.upload(made.key, file));
      signal.throwIfAborted();
      refuseHandedOver(await operations.last(operationId), job);
      isOffered = true;
      const kept = await backups.put(made);
      if (kept.key !== made.key) await objects.remove(made.key);
      const status = (await graphs.get(graphId))?.status;
      // Its deletion may have looked for backups before this one came.
      if (status === undefined || status === 'deleting')
        throw new Terminal('conflict', `The graph "${graphId}" is being deleted.`);
      const message = `Version ${snapshot.version} copied`;
      const completed = { type: 'step_completed', step: 'backUp', percent: 40, message } as const;
      // By the newest event: what was known before may have been undone since.
      refuseUndone(await operations.append(operationId, completed));
    } catch (error) {
      await forget();
      throw error;
    }
  };

const newBackup = (graphId: string, snapshot: Snapshot, accepted: AcceptedEvent): Backup => {
  const version = String(snapshot.version).padStart(8, '0');
  const key = `${backupPrefix(graphId, accepted.operationId)}${version}-${ulid()}.lbug`;
  const kind = accepted.kind === 'backup.create' ? (accepted.request as BackupRequest).kind : 'system';
  return backupOf(graphId, snapshot, accepted, { kind, key });
};

/** The step may be in the log by an earlier run, and what that one made be undone since. */
const refuseUndone = (last: OperationEvent): void => {
  if (isUndone(last)) throw new Refusal('operation_over', `The operation is ${last.status}.`);
};

const isUndone = ({ status, cancellable }: OperationEvent): boolean =>
  cancellable && !['running', 'queued', 'succeeded'].includes(status);
