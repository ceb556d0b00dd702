import { ulid } from 'ulid';
import type { Page, PageRequest } from '../page.ts';
import { graphPrefix } from '../snapshot/snapshot.ts';

/** A Parquet object that holds rows of a table. The checksum is SHA-256, hexadecimal. */
export type TablePart = { key: string; rows: number; bytes: number; checksum: string };

/** `create` replaces what a table holds, `insert` appends to it. */
export type StageMode = 'create' | 'insert';

/** Where rows came from that no file had: the answer of a query, or a table of a snapshot, of this version of a graph. */
export type TableSource = { kind: 'query' | 'snapshot'; graphId: string; snapshotVersion: number };

/** How an operation's claim on a table ended: with a version that it published, or without. */
export type EndedClaim = { version: number | null; at: string };

/**
 * The rows of a node or relationship of a graph as they were staged: the truth that snapshots are made from. One item,
 * with the claim that may change it, so that the check is the condition of the change.
 */
export type GraphTable = {
  graphId: string;
  table: string;
  /** Counts the changes of the item; 0: there is none yet. */
  revision: number;
  /** The operation that may publish, if one may. */
  writer: string | null;
  /** 0: nothing was ever staged. */
  version: number;
  parts: readonly TablePart[];
  /** The operation that staged this version, and when. */
  stagedBy: string | null;
  stagedAt: string | null;
  /** What this version was derived from; null: of files. */
  source: TableSource | null;
  /** Since when it waits for a snapshot to be made of it. Finds stale graphs; whether one is, its snapshot tells. */
  unsettledSince: string | null;
  /** By operation, the newest ones: an operation that is here can neither claim nor publish again. */
  ended: Readonly<Record<string, EndedClaim>>;
};

/** What an operation wants a table to be: the version after the one that it read, with all of its parts. */
export type Publication = {
  operationId: string;
  version: number;
  parts: readonly TablePart[];
  /** What they were derived from, if not from files. */
  source?: TableSource;
};

/** So many ended claims are kept: no run is as late as that. */
export const KEPT_CLAIMS = 50;

/** A table of which nothing is kept. */
export const emptyTable = (graphId: string, table: string): GraphTable => ({
  graphId,
  table,
  revision: 0,
  writer: null,
  version: 0,
  parts: [],
  stagedBy: null,
  stagedAt: null,
  source: null,
  unsettledSince: null,
  ended: {},
});

export const rowsIn = ({ parts }: Pick<GraphTable, 'parts'>): number => sum(parts.map(({ rows }) => rows));
export const bytesIn = ({ parts }: Pick<GraphTable, 'parts'>): number => sum(parts.map(({ bytes }) => bytes));
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** A table with the claim of an operation. Undefined: the operation's claim has ended, for good. */
export const claimed = (table: GraphTable, operationId: string): GraphTable | undefined =>
  hasEnded(table, operationId) ? undefined : { ...table, writer: operationId };

/** A table as it is published, which ends the claim. Undefined: the claim is lost, or another version is current. */
export const published = (table: GraphTable, publication: Publication, at: string): GraphTable | undefined => {
  const { operationId, version, parts, source = null } = publication;
  if (table.writer !== operationId || table.version !== version - 1) return undefined;
  const own = {
    version,
    parts,
    stagedBy: operationId,
    stagedAt: at,
    source,
    unsettledSince: table.unsettledSince ?? at,
  };
  return { ...released(table, operationId, { version, at }), ...own };
};

/** A table that an operation has no claim on any more, nor ever gets. */
export const released = (table: GraphTable, operationId: string, end: EndedClaim): GraphTable => {
  const newest = Object.entries({ ...table.ended, [operationId]: end })
    .sort(byTime)
    .slice(-KEPT_CLAIMS);
  return { ...table, writer: table.writer === operationId ? null : table.writer, ended: Object.fromEntries(newest) };
};

const byTime = ([, left]: [string, EndedClaim], [, right]: [string, EndedClaim]): number =>
  left.at < right.at ? -1 : Number(left.at > right.at);

/** Ids of operations are ours: none is the name of what every object has. */
export const hasEnded = ({ ended }: GraphTable, operationId: string): boolean => operationId in ended;

/** Where tables are kept. {@link Tables} are the changes. */
export interface TableStore {
  /** Read consistently. A table that nothing is kept of is empty. */
  get(graphId: string, table: string): Promise<GraphTable>;
  /** The tables of a graph that something is kept of, read consistently. */
  list(graphId: string): Promise<GraphTable[]>;
  /** Changes a table in one write, if it is still as it was read. A table without a version is kept for 30 days. */
  replace(before: GraphTable, after: GraphTable): Promise<boolean>;
  /** Tables that wait for a snapshot to be made of them, the longest waiting first. The index may lag behind. */
  listUnsettled(page: PageRequest): Promise<Page<UnsettledTable>>;
  /**
   * Removes up to `most` items of a graph's tables and files.
   * @returns how many were removed; fewer than `most`: there are no more
   */
  erase(graphId: string, most: number): Promise<number>;
}

export type UnsettledTable = { graphId: string; table: string; since: string };

/** Every part of a graph's tables, and nothing else, has a key with this prefix. */
export const partsPrefix = (graphId: string, table?: string): string =>
  `${graphPrefix(graphId)}tables/${table === undefined ? '' : `${table}/`}`;

/** The key of a part of the version to come. Every run has keys of its own, so one that loses can remove them. */
export const newPartKey = ({ graphId, table, version }: GraphTable): string =>
  `${partsPrefix(graphId, table)}${String(version + 1).padStart(8, '0')}-${ulid()}.parquet`;

/**
 * Those of a table's keys that it does not name any more: what was replaced, and what runs left that have lost. Not
 * those of a version to come.
 */
export const obsoleteParts = ({ graphId, table, version, parts }: GraphTable, keys: readonly string[]): string[] => {
  const prefix = partsPrefix(graphId, table);
  const named = new Set(parts.map(({ key }) => key));
  return keys.filter(
    (key) => key.startsWith(prefix) && !named.has(key) && Number.parseInt(key.slice(prefix.length), 10) <= version,
  );
};
