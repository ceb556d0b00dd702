import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { fileIdFor } from '../../../domain/identifier.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { DynamoTableFileStore } from '../../../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { type FileDescription, type FileKey, MAX_PENDING_FILES, uploadKey } from '../../../domain/table/table-file.ts';
import { TableFiles } from '../../../domain/table/table-files.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { FILE_KEPT_DAYS } from '../../../domain/table/uploads.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const NOW = new Date('2026-01-01T00:00:00.000Z');
const TABLE = 'Company';
const described: FileDescription = {
  fileName: 'rows.csv',
  format: 'csv',
  compression: 'none',
  delimiter: null,
  bytes: 4,
  checksum: null,
};

let table: ControlTableClient;
let close: () => Promise<void>;
let directory: string;
let objects: DirectoryObjectStore;
/** The clock of the stores. */
let nowMs: number;
let store: DynamoTableFileStore;
let operations: DynamoOperationStore;
let tables: Tables;
let files: TableFiles;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-files-'));
  objects = new DirectoryObjectStore(directory, { endpoint: 'http://127.0.0.1:1/', secret: 'secret' });
  nowMs = NOW.getTime();
  store = new DynamoTableFileStore(table, () => nowMs);
  operations = new DynamoOperationStore(table);
  const tableStore = new DynamoTableStore(table);
  tables = new Tables(tableStore, new OperationLog(operations));
  files = new TableFiles({ files: store, objects, tables, store: tableStore });
});

afterAll(async () => {
  await close();
  await rm(directory, { recursive: true, force: true });
});

let graphs = 0;
const newKey = (idempotencyKey?: string, graphId?: string): FileKey => {
  if (graphId === undefined) graphs += 1;
  const owner = { graphId: graphId ?? `kg${graphs}`, table: TABLE };
  return { ...owner, fileId: fileIdFor(owner, idempotencyKey) };
};
const register = (key: FileKey, own: Partial<FileDescription> = {}) =>
  files.register(key, { ...described, ...own }, 'ada', NOW);
const upload = async (key: FileKey, content = 'a,b\n') => {
  const file = join(directory, 'content');
  await writeFile(file, content);
  await objects.upload(uploadKey(key), file);
};
const pendingOf = async ({ graphId }: FileKey) => (await store.countPending(graphId)).get(TABLE) ?? 0;

test('a file that is registered again with its key is the same file, and another one is refused', async () => {
  const key = newKey('mine');
  const first = await register(key);
  const again = await register(key);
  expect([first.replayed, again.replayed]).toEqual([false, true]);
  expect(again.file).toEqual(first.file);
  await expect(register(key, { bytes: 5 })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  expect(await pendingOf(key)).toBe(1);
});

test('many that register the same file at once register it once', async () => {
  const key = newKey('at once');
  const answers = await Promise.all(Array.from({ length: 6 }, () => register(key)));
  expect(new Set(answers.map(({ file }) => file.createdAt)).size).toBe(1);
  expect((await files.list(key.graphId, TABLE, { limit: 10 }, NOW)).items).toHaveLength(1);
  expect(await pendingOf(key)).toBe(1);
});

test('as many files wait as may, however many come at once, and what is staged, removed or past makes room', async () => {
  const { graphId } = newKey();
  const beyond = 20;
  const asked = Array.from({ length: MAX_PENDING_FILES + beyond }, () => newKey(undefined, graphId));
  const outcomes = await Promise.allSettled(asked.map((key) => register(key)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused).toHaveLength(beyond);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'limit_reached' });
  const taken = asked.filter((_, at) => outcomes[at]?.status === 'fulfilled');
  const [staged, removed] = taken as [FileKey, FileKey];

  await store.markStaged(staged, 'op_1');
  await register(newKey(undefined, graphId));
  await files.remove(removed);
  await register(newKey(undefined, graphId));
  await expect(register(newKey(undefined, graphId))).rejects.toMatchObject({ code: 'limit_reached' });

  nowMs += FILE_KEPT_DAYS * 86_400_000;
  try {
    expect(await pendingOf(staged)).toBe(0);
    expect(await files.list(graphId, TABLE, { limit: 100 }, NOW)).toMatchObject({ items: [] });
    await expect(files.get(staged, NOW)).rejects.toMatchObject({ code: 'not_found' });
    await files.register(newKey(undefined, graphId), described, 'ada', new Date(nowMs));
    expect(await pendingOf(staged)).toBe(1);
  } finally {
    nowMs = NOW.getTime();
  }
});

test('a file is uploaded when all of its bytes are there, and can be staged from then on', async () => {
  const key = newKey();
  const { graphId, fileId } = key;
  await register(key);
  await expect(files.uploaded(graphId, TABLE, [fileId], NOW)).rejects.toMatchObject({ code: 'conflict' });
  await upload(key, 'other');
  expect(await files.get(key, NOW)).toMatchObject({ uploadedAt: null });
  await upload(key);
  expect(await files.uploaded(graphId, TABLE, [fileId], NOW)).toMatchObject([{ uploadedAt: NOW.toISOString() }]);
  // The first time counts.
  expect(await files.get(key, new Date(NOW.getTime() + 1))).toMatchObject({ uploadedAt: NOW.toISOString() });
  const absent = fileIdFor(key, 'absent');
  await expect(files.uploaded(graphId, TABLE, [fileId, absent], NOW)).rejects.toMatchObject({ code: 'not_found' });
});

test('pages go through all files of a table, and no others', async () => {
  const key = newKey();
  const ids = [key, newKey(undefined, key.graphId), newKey(undefined, key.graphId)].map(({ fileId }) => fileId);
  for (const fileId of ids) await register({ ...key, fileId });
  await register({ ...key, table: 'CompanyGroup' });
  const first = await files.list(key.graphId, TABLE, { limit: 2 }, NOW);
  const second = await files.list(key.graphId, TABLE, { limit: 2, cursor: first.cursor ?? '' }, NOW);
  expect([...first.items, ...second.items].map(({ fileId }) => fileId)).toEqual([...ids].sort());
  await expect(
    files.list(newKey().graphId, TABLE, { limit: 2, cursor: first.cursor ?? '' }, NOW),
  ).rejects.toMatchObject({ code: 'invalid_request' });
});

test('a file goes with its bytes, but not while its table is being staged', async () => {
  const key = newKey();
  await register(key);
  await upload(key);
  const event = acceptedEvent({ kind: 'table.create', graphId: key.graphId });
  await operations.putEvent(event);
  await tables.claim(key.graphId, TABLE, event.operationId);
  await expect(files.remove(key)).rejects.toMatchObject({ code: 'conflict', operationId: event.operationId });
  expect(await objects.list(uploadKey(key))).toHaveLength(1);

  await tables.release(key.graphId, TABLE, event.operationId, NOW.toISOString());
  await files.remove(key);
  expect(await objects.list(uploadKey(key))).toEqual([]);
  expect(await pendingOf(key)).toBe(0);
  await expect(files.get(key, NOW)).rejects.toMatchObject({ code: 'not_found' });
  // A record that went before its bytes could: the next removal takes them.
  await upload(key);
  await expect(files.remove(key)).rejects.toMatchObject({ code: 'not_found' });
  expect(await objects.list(uploadKey(key))).toEqual([]);
});

test('a mark on a file that has gone does not bring it back', async () => {
  const key = newKey();
  await register(key);
  await store.remove(key);
  await store.markUploaded(key, NOW.toISOString());
  await store.markStaged(key, 'op_1');
  expect(await store.get(key)).toBeUndefined();
});
