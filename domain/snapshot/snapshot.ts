import { ulid } from 'ulid';
import type { Forked } from '../graph/fork.ts';

/** A published version of a graph: one database file in the object store. Versions count from 1. */
export type Snapshot = {
  version: number;
  key: string;
  checksum: string;
  bytes: number;
  /** What a materialization made it from. Without: it is as the graph was created. */
  source?: SnapshotSource;
};

/** The operation that made a snapshot, when, and the versions of the tables that it started from. */
export type SnapshotSource = {
  operationId: string;
  at: string;
  /** A list, because a table may be named as what every object has. */
  tables: readonly SourceTable[];
  /** What it came to as a fork: of several runs the one that published it need not be the one that tells so. */
  forked?: Forked;
};

/** A table that a snapshot was made from; `part` has its rows, which are kept as long as the snapshot is current. */
export type SourceTable = {
  table: string;
  version: number;
  part?: { key: string; rows: number; bytes: number; checksum: string };
};

/** A file before it has been published. The checksum is SHA-256, hexadecimal. */
export type SnapshotFile = { checksum: string; bytes: number };

/**
 * A version as this run wants to publish it. Every run has a key of its own, even for the same content, so a run that
 * loses can remove its file without looking whose else it might be.
 */
export const newSnapshot = (graphId: string, version: number, file: SnapshotFile): Snapshot => ({
  version,
  key: `${snapshotPrefix(graphId)}${String(version).padStart(8, '0')}-${ulid()}.lbug`,
  ...file,
});

/** All that is kept of a graph while it is there, and nothing else, has a key with this prefix. */
export const graphPrefix = (graphId: string): string => `graphs/${graphId}/`;

/** Every snapshot of a graph, and nothing else, has a key with this prefix. */
export const snapshotPrefix = (graphId: string): string => `${graphPrefix(graphId)}snapshots/`;

/** Keys of snapshots for a version which is not there: who holds the graph's claim may remove them. */
export const unpublishedSnapshots = (graphId: string, current: number, keys: readonly string[]): string[] =>
  keys.filter((key) => versionOf(graphId, key) > current);

/**
 * Keys of snapshots that nobody reads any more. The version before the current one stays until the next is published:
 * a query may just be fetching it.
 */
export const pastSnapshots = (
  graphId: string,
  { version, key: current }: Pick<Snapshot, 'version' | 'key'>,
  keys: readonly string[],
): string[] =>
  keys.filter((key) => {
    const found = versionOf(graphId, key);
    return found < version - 1 || (found === version && key !== current);
  });

const versionOf = (graphId: string, key: string): number =>
  Number.parseInt(key.slice(snapshotPrefix(graphId).length), 10);
