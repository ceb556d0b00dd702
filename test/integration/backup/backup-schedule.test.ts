import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { type Backup, type BackupKind, backupOf, RETENTION } from '../../../domain/backup/backup.ts';
import { BackupSchedule } from '../../../domain/backup/backup-schedule.ts';
import { DynamoBackupStore } from '../../../domain/backup/dynamo-backup-store.ts';
import { DEFAULT_FLAGS } from '../../../domain/flags/feature-flags.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoWritePauseStore } from '../../../domain/lease/dynamo-write-pause-store.ts';
import { PauseGate } from '../../../domain/lease/write-pause.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { temporaryDirectory } from '../local/temporary-directory.ts';

const MANY = { graphs: 100, removals: 100 };
const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-03-01T12:00:00.000Z');
const snapshot = { version: 1, key: 'k', checksum: 'c', bytes: 1 };

let table: ControlTableClient;
let close: () => Promise<void>;
let graphs: DynamoGraphStore;
let instances: DynamoInstanceStore;
let backups: DynamoBackupStore;
let objects: DirectoryObjectStore;
let directory: string;
let now: number;
let flags: typeof DEFAULT_FLAGS;
let started: string[];
let takeTurn: (most?: typeof MANY) => Promise<{ begun: number; removed: number }>;

beforeEach(async () => {
  ({ table, close } = await startControlTable());
  now = NOON;
  flags = DEFAULT_FLAGS;
  started = [];
  directory = await temporaryDirectory();
  graphs = new DynamoGraphStore(table);
  instances = new DynamoInstanceStore(table);
  objects = new DirectoryObjectStore(join(directory, 'store'));
  const clock = () => new Date(now);
  backups = new DynamoBackupStore(table, clock);
  const log = new OperationLog(new DynamoOperationStore(table), { now: clock });
  const workflows: Workflows = {
    start: async (_, { graphId }) => void started.push(graphId ?? ''),
    stop: async () => {},
    stateOf: async () => 'running',
  };
  const schedule = new BackupSchedule(
    {
      backups,
      objects,
      instances,
      graphs,
      commands: new OperationCommands(log, workflows),
      pauses: new PauseGate(new DynamoWritePauseStore(table), clock),
      flags: { get: async () => flags, put: async () => {} },
    },
    clock,
  );
  takeTurn = (most = MANY) => schedule.takeTurn(new DynamoRotationStore(table), most);
  for (const instanceId of ['inst-1', 'inst-2'])
    await instances.register(
      { instanceId, tier: 'standard', endpoint: 'e', image: 'i', taskArn: 'a', capacity: 100, generation: 1 },
      clock().toISOString(),
    );
});

afterEach(() => close());

/** An active graph with a slot, of the day before. */
const newGraph = async (instanceId = 'inst-1', own: Partial<Graph> = {}): Promise<string> => {
  const accepted = acceptedEvent({ createdAt: new Date(NOON - DAY_MS).toISOString() });
  const { graphId } = await graphs.create({ ...graphRequestedBy(accepted), ...own });
  const writer = writerOf(accepted.operationId);
  await graphs.publish(graphId, writer, snapshot);
  await graphs.activate(graphId, writer);
  if (own.parentId === undefined) await instances.takeSlot(instanceId, graphId, accepted.operationId);
  return graphId;
};

/** A backup with its object. */
const keep = async (graphId: string, kind: BackupKind, at: number, version = 1): Promise<Backup> => {
  const { operationId } = acceptedEvent();
  const createdAt = new Date(at).toISOString();
  const key = `backups/${graphId}/${operationId}/1.lbug`;
  const backup = backupOf(graphId, { ...snapshot, version }, { operationId, createdAt }, { kind, key });
  const file = join(directory, 'file');
  await writeFile(file, 'backup');
  await objects.upload(key, file);
  return backups.put(backup);
};

test('a graph is backed up once a day, however often it is looked at', async () => {
  const graphId = await newGraph();
  expect(await takeTurn()).toMatchObject({ begun: 1 });
  expect(await takeTurn()).toMatchObject({ begun: 0 });
  expect(started.filter((id) => id === graphId).length).toBeGreaterThanOrEqual(1);
  now += DAY_MS;
  expect(await takeTurn()).toMatchObject({ begun: 1 });
});

test('one that has not changed since its last backup, of whatever kind, is not', async () => {
  const graphId = await newGraph();
  await keep(graphId, 'manual', NOON - DAY_MS);
  expect(await takeTurn()).toMatchObject({ begun: 0 });
});

test('one that changed is, unless it has its backup of the day', async () => {
  const [changed, done] = [await newGraph(), await newGraph()];
  await keep(changed, 'scheduled', NOON - DAY_MS, 0);
  await keep(done, 'scheduled', NOON - 1_000, 0);
  expect(await takeTurn()).toMatchObject({ begun: 1 });
  expect(started).toEqual([changed]);
});

test('one that came today, or is not in use, is not', async () => {
  await newGraph('inst-1', { createdAt: new Date(NOON - 1_000).toISOString() });
  const suspended = await newGraph();
  await graphs.followStanding(suspended, 'suspended', 'm');
  expect(await takeTurn()).toMatchObject({ begun: 0 });
});

test('nothing is begun while the flag is off, or writes are paused, but what is over goes', async () => {
  const graphId = await newGraph();
  const old = await keep(graphId, 'scheduled', NOON - 40 * DAY_MS, 0);
  flags = { ...DEFAULT_FLAGS, scheduledBackups: false };
  expect(await takeTurn()).toEqual({ begun: 0, removed: 1 });
  expect(await objects.head(old.key)).toBeUndefined();
  flags = DEFAULT_FLAGS;
  const until = new Date(NOON + 60_000).toISOString();
  await new DynamoWritePauseStore(table).put({ tier: 'standard', owner: 'olga', reason: 'r', until });
  expect(await takeTurn()).toEqual({ begun: 0, removed: 0 });
  now += 61_000;
  expect(await takeTurn()).toMatchObject({ begun: 1 });
});

test('backups go when their time is over, oldest first and so many a turn, also when their graph has gone', async () => {
  const over = [90, 70, 60].map((days) => keep('kggone', 'deletion', NOON - days * DAY_MS));
  const [oldest, , youngest] = await Promise.all(over);
  const kept = await keep('kggone', 'deletion', NOON - 29 * DAY_MS);
  expect(await backups.get(oldest ?? kept)).toBeUndefined();
  expect(await takeTurn({ graphs: 1, removals: 2 })).toMatchObject({ removed: 2 });
  expect(await objects.list('backups/')).toEqual(expect.arrayContaining([kept.key, youngest?.key]));
  expect(await takeTurn({ graphs: 1, removals: 2 })).toMatchObject({ removed: 1 });
  expect(await objects.list('backups/')).toEqual([kept.key]);
});

test('of each kind so many are kept, the newest; a tenant’s own are not removed for their number', async () => {
  const graphId = await newGraph();
  const { most } = RETENTION.system;
  const made: Backup[] = [];
  for (let at = 0; at < most + 2; at += 1) made.push(await keep(graphId, 'system', NOON - DAY_MS + at * 1_000));
  const own = await keep(graphId, 'manual', NOON - 2 * DAY_MS);
  expect(await takeTurn()).toMatchObject({ removed: 2 });
  const left = await backups.listAll(graphId);
  expect(left.map(({ backupId }) => backupId)).toEqual(
    [...made.slice(2).reverse(), own].map(({ backupId }) => backupId),
  );
  expect(await objects.list('backups/')).toHaveLength(most + 1);
});

test('every graph has its turn, and its subgraphs with it, so many a turn', async () => {
  const placed: string[] = [];
  for (const instanceId of ['inst-1', 'inst-1', 'inst-1', 'inst-2', 'inst-2']) placed.push(await newGraph(instanceId));
  const subgraphId = await newGraph('none', { parentId: placed[0] ?? '' });
  const withSubgraph = { ...((await graphs.get(placed[0] ?? '')) as Graph), subgraphs: { one: subgraphId } };
  const read = graphs.get.bind(graphs);
  expect(withSubgraph.subgraphs).toEqual({ one: subgraphId });
  graphs.get = async (graphId) => (graphId === placed[0] ? withSubgraph : read(graphId));
  for (let turn = 0; turn < 3; turn += 1) {
    const before = started.length;
    await takeTurn({ graphs: 2, removals: 1 });
    expect(started.length - before).toBeLessThanOrEqual(3);
  }
  expect([...started].sort()).toEqual([...placed, subgraphId].sort());
});
