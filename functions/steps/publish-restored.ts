import { type Backup, backupIdFor, type RestoreRequest } from '../../domain/backup/backup.ts';
import { restoredSnapshotIn } from '../../domain/backup/restored-snapshot.ts';
import { Terminal } from '../../domain/failure.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { pastSnapshots, type Snapshot, snapshotPrefix } from '../../domain/snapshot/snapshot.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { backupStore } from '../wiring/backup.ts';
import { graphWriters } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableStore, tables } from '../wiring/table.ts';

/**
 * Moves the graph's pointer to the snapshot that was restored, and ends the operation. What the pointer was at before is
 * kept, as behind every publication, for the queries that read it now.
 * @throws {Terminal} `conflict`: the graph is not this operation's any more
 */
export const handler = stepFunction('publish-restored', StepInput, (environment) => {
  const operations = operationLog(environment);
  const writers = graphWriters(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const backups = backupStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);

  const publish = async (operationId: string, graphId: string, snapshot: Snapshot): Promise<void> => {
    if ((await writers.publish(graphId, operationId, snapshot)) !== undefined) return;
    await objects.remove(snapshot.key);
    throw new Terminal('conflict', `The graph "${graphId}" is not this operation's to publish any more.`);
  };

  const finish = async (operationId: string, graphId: string): Promise<void> => {
    const last = await operations.last(operationId);
    if (isTerminal(last.status)) return;
    const { backupId } = (await operations.firstBefore(last)).request as RestoreRequest;
    const snapshot = restoredSnapshotIn(last);
    await publish(operationId, graphId, snapshot);
    const past = pastSnapshots(graphId, snapshot, await objects.list(snapshotPrefix(graphId)));
    for (const key of past) await objects.remove(key);
    const staged = await store.list(graphId);
    // Tables that are as the restored snapshot has them are settled. The others are stale, as the result tells; nobody brings
    // back by itself what was just taken back.
    for (const { table, version } of snapshot.source?.tables ?? []) await changes.settle(graphId, table, version);
    const before: Backup | undefined = await backups.get({ graphId, backupId: backupIdFor(last) });
    const { stale, staleReason } = freshnessOf({ snapshot }, staged);
    const result = {
      backupId,
      snapshotVersion: snapshot.version,
      systemBackupId: before?.backupId ?? null,
      stale,
      staleReason,
    };
    const message = `Restored as version ${snapshot.version}`;
    await operations.append(operationId, { type: 'succeeded', message, result }, last);
  };

  return async ({ operationId, graphId }) => {
    await finish(operationId, graphId);
    // Also by a run that finds the operation over: the one before may have died just here.
    await writers.release(graphId, operationId);
  };
});
