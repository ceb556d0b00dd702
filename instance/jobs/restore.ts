import { rm } from 'node:fs/promises';
import type { Backup, BackupStore, RestoreRequest } from '../../domain/backup/backup.ts';
import { sourceAsKept } from '../../domain/backup/restored-snapshot.ts';
import { Terminal } from '../../domain/failure.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { newSnapshot, type SnapshotFile } from '../../domain/snapshot/snapshot.ts';
import { openReadOnly } from '../database/read-only-database.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { fetchChecked, measureFile, type Workspace } from '../workspace.ts';
import { askedOf, commitUpload } from './commit-upload.ts';
import type { JobWork } from './job-runner.ts';

type Dependencies = {
  workspace: Workspace;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
  backups: BackupStore;
};

/**
 * Makes the graph's next snapshot of a backup, beside the one that serves. The backup is seen to be what was kept, and to
 * be a graph, before anything is made of it. It counts when the log has it; the next step of the workflow moves the pointer.
 */
export const restore =
  ({ workspace, cache, operations, graphs, objects, backups }: Dependencies): JobWork<'restore'> =>
  async (job, signal) => {
    const { operationId, graphId } = job;
    const asked = await askedOf<RestoreRequest>(operations, operationId);
    if (asked === undefined) return;
    const { backupId } = asked;
    const [graph, backup] = await Promise.all([graphs.get(graphId), backups.get({ graphId, backupId })]);
    if (backup === undefined) throw new Terminal('not_found', `There is no backup "${backupId}" any more.`);
    const { source } = backup;

    const file = workspace.scratchFile();
    try {
      await fetchChecked(objects, { key: backup.key, checksum: null }, file, `The backup "${backupId}"`);
      const measured = await verified(file, backup);
      signal.throwIfAborted();
      const snapshot = {
        ...newSnapshot(graphId, (graph?.snapshot?.version ?? 0) + 1, measured),
        ...(source && { source: await sourceAsKept(source, objects) }),
      };
      await commitUpload({ operations, objects }, job, {
        files: [{ key: snapshot.key, file }],
        signal,
        done: {
          step: 'restoreBackup',
          message: 'Backup verified and copied',
          detail: { backupId, snapshotVersion: snapshot.version, bytes: snapshot.bytes },
          made: { snapshot },
        },
        // Nobody asks for it before it is published; then it need not be fetched.
        onCommitted: () => cache.adopt(graphId, snapshot, file),
      });
    } finally {
      await rm(file, { force: true });
    }
  };

/** @throws {Terminal} `internal` when a file is not what was backed up */
const verified = async (file: string, { backupId, checksum }: Backup): Promise<SnapshotFile> => {
  const measured = await measureFile(file);
  if (measured.checksum !== checksum)
    throw new Terminal(
      'internal',
      `The backup "${backupId}" is damaged: it is not what was kept. The graph is as it was.`,
    );
  await (await openReadOnly(file)).close();
  return measured;
};
