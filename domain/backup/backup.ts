import { encodeTime } from 'ulid';
import type { Page, PageRequest } from '../page.ts';
import type { Snapshot, SnapshotSource } from '../snapshot/snapshot.ts';

export const BACKUP_KINDS = ['manual', 'scheduled', 'system', 'deletion'] as const;
/** Who wants it: a tenant, the schedule, a restore that keeps what it replaces, or a deletion that keeps the last. */
export type BackupKind = (typeof BACKUP_KINDS)[number];

export type BackupKey = { graphId: string; backupId: string };

/** A copy of a snapshot of a graph, which nothing that happens to the graph reaches. The checksum is SHA-256, hexadecimal. */
export type Backup = BackupKey & {
  kind: BackupKind;
  /** The operation that made it. */
  operationId: string;
  createdAt: string;
  /** From then on it does not exist any more. */
  keptUntil: string;
  key: string;
  bytes: number;
  checksum: string;
  snapshotVersion: number;
  /** What the snapshot was made from: what is restored is as old as that. */
  source?: SnapshotSource;
};

/** How long backups of each kind are kept, and how many of each graph. */
export const RETENTION: Readonly<Record<BackupKind, { days: number; most: number }>> = {
  // A tenant's own are removed by nobody else before their time: one more is refused.
  manual: { days: 90, most: 50 },
  scheduled: { days: 30, most: 30 },
  system: { days: 30, most: 10 },
  deletion: { days: 30, most: 10 },
};

/** What a backup is asked for by. */
export type BackupRequest = { kind: Exclude<BackupKind, 'system' | 'deletion'> };
export type RestoreRequest = { backupId: string };

/** Where backups are kept. Those whose time is over are not there. */
export interface BackupStore {
  /** Puts a backup where none is. Returns the backup that is there then: this one, or the one of an earlier run. */
  put(backup: Backup): Promise<Backup>;
  /** Read consistently. */
  get(key: BackupKey): Promise<Backup | undefined>;
  /** Of a graph, newest first. */
  list(graphId: string, page: PageRequest): Promise<Page<Backup>>;
  /** All of a graph, newest first; their number is limited by {@link RETENTION}. */
  listAll(graphId: string): Promise<Backup[]>;
  /** Of all graphs, those whose time was over at `now`, longest over first. The index may lag behind. */
  listPast(now: string, limit: number): Promise<Backup[]>;
  /** Repeating it is harmless. */
  remove(key: BackupKey): Promise<void>;
}

/** An operation, as it was accepted. */
type Maker = { operationId: string; createdAt: string };

/** The backup of a graph that an operation makes: it makes one of each, and ids are in the order of time. */
export const backupIdFor = ({ operationId, createdAt }: Maker): string =>
  `bk_${encodeTime(Date.parse(createdAt))}${operationId.slice(-16)}`;

/** Every backup that an operation makes of a graph, and nothing else, has a key with this prefix. */
export const backupPrefix = (graphId: string, operationId: string): string => `backups/${graphId}/${operationId}/`;

const DAY_MS = 86_400_000;

/** The backup of a snapshot, as the operation is to keep it under `key`. */
export const backupOf = (
  graphId: string,
  { version, bytes, checksum, source }: Snapshot,
  { operationId, createdAt }: Maker,
  { kind, key }: Pick<Backup, 'kind' | 'key'>,
): Backup => ({
  graphId,
  backupId: backupIdFor({ operationId, createdAt }),
  kind,
  operationId,
  createdAt,
  keptUntil: new Date(Date.parse(createdAt) + RETENTION[kind].days * DAY_MS).toISOString(),
  key,
  bytes,
  checksum,
  snapshotVersion: version,
  ...(source && { source }),
});

/** The backups of a graph that are more than are kept of their kind: the oldest ones. */
export const beyondMost = (newestFirst: readonly Backup[]): Backup[] =>
  BACKUP_KINDS.filter((kind) => kind !== 'manual').flatMap((kind) =>
    newestFirst.filter((backup) => backup.kind === kind).slice(RETENTION[kind].most),
  );
