import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Backup,
  type BackupRequest,
  backupIdFor,
  backupPrefix,
  type RestoreRequest,
} from '../../../domain/backup/backup.ts';
import { DynamoBackupStore } from '../../../domain/backup/dynamo-backup-store.ts';
import { restoredSnapshotIn } from '../../../domain/backup/restored-snapshot.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import type { OperationKind } from '../../../domain/operation/operation.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { backUp } from '../../../instance/jobs/back-up.ts';
import { restore } from '../../../instance/jobs/restore.ts';
import { measureFile } from '../../../instance/workspace.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { jobOf, openWorkplace, spoil, type Workplace } from './workplace.ts';

/** Backups of which a test is told once one was put. */
class WatchedBackups extends DynamoBackupStore {
  afterPut: () => Promise<void> = async () => {};

  override async put(backup: Backup): Promise<Backup> {
    const kept = await super.put(backup);
    await this.afterPut();
    return kept;
  }
}

const error = { code: 'internal', message: 'It broke', retryable: true } as const;
let store: DynamoOperationStore;
let operations: OperationLog;
let graphs: DynamoGraphStore;
let backups: WatchedBackups;
let close: () => Promise<void>;
let workplace: Workplace;
let graphId: string;

beforeAll(async () => {
  const { table, ...started } = await startControlTable();
  close = started.close;
  store = new DynamoOperationStore(table);
  operations = new OperationLog(store);
  graphs = new DynamoGraphStore(table);
  backups = new WatchedBackups(table);
});

afterAll(() => close());

beforeEach(async () => {
  workplace = await openWorkplace();
  const accepted = acceptedEvent();
  ({ graphId } = await graphs.create(graphRequestedBy(accepted)));
  const writer = writerOf(accepted.operationId);
  const { snapshot } = await workplace.uploadedGraph(graphId);
  const source = { operationId: 'op_0', at: '2026-01-01T00:00:00.000Z', tables: [{ table: 'Entity', version: 7 }] };
  await graphs.publish(graphId, writer, { ...snapshot, source });
  await graphs.activate(graphId, writer);
});

/** An operation on the graph that runs. */
const begun = async (kind: OperationKind, request: BackupRequest | RestoreRequest): Promise<string> => {
  const createdAt = new Date().toISOString();
  const accepted = acceptedEvent({ kind, request, graphId, createdAt });
  await store.putEvent(accepted);
  await operations.append(accepted.operationId, { type: 'started', message: 'Begun' });
  return accepted.operationId;
};

const runBackUp = (operationId: string, holding = 1) =>
  backUp({ ...workplace, operations, graphs, backups })(
    jobOf('back-up', { operationId, graphId }, holding),
    new AbortController().signal,
  );
const runRestore = (operationId: string) =>
  restore({ ...workplace, operations, graphs, backups })(
    jobOf('restore', { operationId, graphId }),
    new AbortController().signal,
  );

const madeBackup = async () => {
  const operationId = await begun('backup.create', { kind: 'manual' });
  await runBackUp(operationId);
  const backup = await backups.get({ graphId, backupId: backupIdFor(await operations.last(operationId)) });
  if (backup === undefined) throw new Error('Nothing was backed up.');
  return { ...backup, operationId };
};

const deleteGraph = async () => {
  const { createdBy = '' } = (await graphs.get(graphId)) ?? {};
  await graphs.deactivate(graphId, createdBy);
  await graphs.remove(graphId, createdBy);
};

const keys = (prefix = 'backups') => workplace.objects.list(`${prefix}/${graphId}/`);
const checksumOf = async (key: string) => {
  const file = workplace.workspace.scratchFile();
  await workplace.objects.download(key, file);
  return (await measureFile(file)).checksum;
};

describe('the job that backs up', () => {
  test('copies what was published, and records it with what it was made from', async () => {
    const backup = await madeBackup();
    const snapshot = (await graphs.get(graphId))?.snapshot;
    expect(backup).toMatchObject({
      kind: 'manual',
      checksum: snapshot?.checksum,
      bytes: snapshot?.bytes,
      source: snapshot?.source,
    });
    expect(await checksumOf(backup.key)).toBe(snapshot?.checksum);
    expect(await keys()).toEqual([backup.key]);
  });

  test('of a restore says that the backup is the system’s', async () => {
    const operationId = await begun('backup.restore', { backupId: 'bk_1' });
    await runBackUp(operationId);
    expect((await backups.listAll(graphId)).map(({ kind }) => kind)).toEqual(['system']);
  });

  test('does not copy what lies damaged in the cache, but what the object store has', async () => {
    const snapshot = (await graphs.get(graphId))?.snapshot;
    if (!snapshot) throw new Error('There is no snapshot.');
    await workplace.cache.lend(graphId, snapshot, async () => {});
    const { cacheDirectory } = workplace.workspace;
    for (const name of await readdir(cacheDirectory)) await spoil(join(cacheDirectory, name));
    const backup = await madeBackup();
    expect(await checksumOf(backup.key)).toBe(snapshot.checksum);
    // And what was damaged is used no more.
    expect(await workplace.cachedFiles()).toEqual([]);
  });

  test('fails when the object store’s copy is damaged too, and leaves nothing', async () => {
    const snapshot = (await graphs.get(graphId))?.snapshot;
    const file = workplace.workspace.scratchFile();
    await writeFile(file, 'This is no snapshot.');
    await workplace.objects.upload(snapshot?.key ?? '', file);
    const operationId = await begun('backup.create', { kind: 'manual' });
    await expect(runBackUp(operationId)).rejects.toMatchObject({ name: 'Terminal', code: 'internal' });
    expect([await keys(), await backups.listAll(graphId)]).toEqual([[], []]);
  });

  test('run twice, also at once, records one and leaves one object', async () => {
    const operationId = await begun('backup.create', { kind: 'manual' });
    await Promise.all([runBackUp(operationId), runBackUp(operationId)]);
    await runBackUp(operationId);
    const [backup, ...more] = await backups.listAll(graphId);
    expect(more).toEqual([]);
    expect(await keys()).toEqual([backup?.key]);
  });

  test('that comes after its undo takes back what it made, whatever an earlier run had told', async () => {
    const operationId = await begun('backup.create', { kind: 'manual' });
    await runBackUp(operationId);
    workplace.objects.afterUpload = async () => {
      workplace.objects.afterUpload = async () => {};
      await operations.append(operationId, { type: 'compensating', message: 'Undoing', error });
      for (const backup of await backups.listAll(graphId)) {
        await workplace.objects.remove(backup.key);
        await backups.remove(backup);
      }
    };
    await expect(runBackUp(operationId)).rejects.toMatchObject({ name: 'Refusal', code: 'operation_over' });
    expect([await keys(), await backups.listAll(graphId)]).toEqual([[], []]);
  });

  test('that was handed out again meanwhile removes what it uploaded, and records nothing', async () => {
    const operationId = await begun('backup.create', { kind: 'manual' });
    workplace.objects.afterUpload = async () => {
      await operations.append(operationId, { type: 'progress', message: 'Tried again', holding: 2 });
    };
    await expect(runBackUp(operationId)).rejects.toMatchObject({
      name: 'Retryable',
      message: expect.stringContaining('handed out again'),
    });
    expect([await keys(), await backups.listAll(graphId)]).toEqual([[], []]);
    await runBackUp(operationId, 2);
    expect(await backups.listAll(graphId)).toHaveLength(1);
  });

  test.each(['running', 'succeeded'])(
    'that fails late leaves what another run rests on, which is %s',
    async (status) => {
      const operationId = await begun('backup.create', { kind: 'manual' });
      backups.afterPut = async () => {
        backups.afterPut = async () => {};
        await operations.append(operationId, { type: 'progress', message: 'Tried again', holding: 2 });
        await runBackUp(operationId, 2);
        if (status === 'succeeded')
          await operations.append(operationId, { type: 'succeeded', message: 'Backed up', result: {} });
        await deleteGraph();
      };
      await expect(runBackUp(operationId)).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
      const [backup] = await backups.listAll(graphId);
      expect(await keys()).toEqual([backup?.key]);
    },
  );

  test('whose record may have been written leaves it to the next, which needs it, or to the undo', async () => {
    const operationId = await begun('backup.create', { kind: 'manual' });
    backups.afterPut = async () => {
      backups.afterPut = async () => {};
      throw new Error('The answer was lost.');
    };
    await expect(runBackUp(operationId)).rejects.toThrow('The answer was lost.');
    await runBackUp(operationId, 2);
    const [backup] = await backups.listAll(graphId);
    expect(await keys()).toEqual([backup?.key]);
  });

  test('of a graph that is being deleted meanwhile fails; what it recorded is for its undo', async () => {
    const operationId = await begun('backup.create', { kind: 'manual' });
    workplace.objects.afterUpload = deleteGraph;
    await expect(runBackUp(operationId)).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
    const [backup] = await backups.listAll(graphId);
    expect(await keys()).toEqual([backup?.key]);
    expect(backup?.key).toContain(backupPrefix(graphId, operationId));
  });

  test('whose snapshot was replaced and removed while it was read is to be tried again', async () => {
    const operationId = await begun('backup.create', { kind: 'manual' });
    const snapshot = (await graphs.get(graphId))?.snapshot;
    workplace.objects.beforeDownload = async () => {
      await workplace.objects.remove(snapshot?.key ?? '');
      const { createdBy = '' } = (await graphs.get(graphId)) ?? {};
      await graphs.deactivate(graphId, createdBy);
      await graphs.withdraw(graphId, createdBy);
    };
    await expect(runBackUp(operationId)).rejects.toMatchObject({ name: 'Retryable', code: 'conflict' });
    expect(await keys()).toEqual([]);
  });
});

describe('the job that restores', () => {
  test('makes the next version of the backup, with what that was made from, and moves nothing', async () => {
    const { backupId, checksum } = await madeBackup();
    const before = await graphs.get(graphId);
    const operationId = await begun('backup.restore', { backupId });
    await runRestore(operationId);
    const snapshot = restoredSnapshotIn(await operations.last(operationId));
    expect(snapshot).toMatchObject({ version: 2, checksum, source: before?.snapshot?.source });
    expect(await checksumOf(snapshot.key)).toBe(checksum);
    expect(await graphs.get(graphId)).toEqual(before);
  });

  test('does not say that rows are kept which are gone since', async () => {
    const part = (name: string) => ({ key: `graphs/${graphId}/tables/${name}`, rows: 1, bytes: 1, checksum: 'c' });
    const backup = await madeBackup();
    await backups.remove(backup);
    const tables = ['Gone', 'Kept'].map((table) => ({ table, version: 3, part: part(table) }));
    await backups.put({ ...backup, source: { operationId: 'op_0', at: backup.createdAt, tables } });
    const file = workplace.workspace.scratchFile();
    await writeFile(file, 'rows');
    await workplace.objects.upload(part('Kept').key, file);
    const operationId = await begun('backup.restore', { backupId: backup.backupId });
    await runRestore(operationId);
    expect(restoredSnapshotIn(await operations.last(operationId)).source?.tables).toEqual([
      { table: 'Gone', version: 3 },
      { table: 'Kept', version: 3, part: part('Kept') },
    ]);
  });

  test.each([
    ['other bytes', async (file: string) => writeFile(file, 'something else')],
    ['no bytes', async (file: string) => writeFile(file, '')],
  ])('refuses a backup of %s, and uploads nothing', async (_, damage) => {
    const { backupId, key } = await madeBackup();
    const file = workplace.workspace.scratchFile();
    await damage(file);
    await workplace.objects.upload(key, file);
    await rm(file);
    const before = await keys('graphs');
    const operationId = await begun('backup.restore', { backupId });
    await expect(runRestore(operationId)).rejects.toMatchObject({
      name: 'Terminal',
      code: 'internal',
      message: expect.stringContaining('is damaged'),
    });
    expect(await keys('graphs')).toEqual(before);
    expect(await workplace.scratchFiles()).toEqual([]);
  });

  test('of a backup that has been deleted, or whose time is over, has nothing to restore', async () => {
    const backup = await madeBackup();
    await backups.remove(backup);
    await backups.put({ ...backup, keptUntil: '2026-01-01T00:00:00.000Z' });
    const operationId = await begun('backup.restore', { backupId: backup.backupId });
    await expect(runRestore(operationId)).rejects.toMatchObject({ name: 'Terminal', code: 'not_found' });
  });

  test('that comes after its undo removes what it uploaded', async () => {
    const { backupId } = await madeBackup();
    const before = await keys('graphs');
    const operationId = await begun('backup.restore', { backupId });
    workplace.objects.afterUpload = async () => {
      await operations.append(operationId, { type: 'compensating', message: 'Undoing', error });
    };
    await expect(runRestore(operationId)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await keys('graphs')).toEqual(before);
  });
});
