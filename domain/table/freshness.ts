import type { Graph } from '../graph/graph.ts';
import type { SnapshotSource } from '../snapshot/snapshot.ts';
import type { GraphTable } from './table.ts';

/** How a graph's snapshot relates to its tables. Times are RFC 3339, UTC. */
export type Freshness = {
  stale: boolean;
  /** When the first of its tables changed that the snapshot does not have. */
  staleSince: string | null;
  staleReason: string | null;
  snapshotVersion: number | null;
  /** When tables were last loaded into the snapshot; null: never, it is as the graph was created. */
  materializedAt: string | null;
  /** Names of the tables that changed. */
  changed: readonly string[];
};

/**
 * What a materialization of some tables writes down that it started from; of the others, what the snapshot has stays. With
 * the rows: a table may be needed as the snapshot has it when it has been staged anew.
 */
export const sourceOf = (
  before: SnapshotSource | undefined,
  tables: readonly GraphTable[],
  run: Pick<SnapshotSource, 'operationId' | 'at'>,
): SnapshotSource => ({
  ...run,
  tables: [
    ...(before?.tables ?? []).filter(({ table }) => !tables.some((loaded) => loaded.table === table)),
    ...tables.map(({ table, version, parts: [part] }) => ({ table, version, ...(part && { part }) })),
  ],
});

/**
 * Whether a graph's snapshot has its tables as they are. Nobody sets or clears a flag for that: publishing a table
 * makes the graph stale, and publishing a snapshot makes it fresh, or not, by the versions that it was made from. What
 * is staged while a materialization runs is not among them, and what a restore brings back is as old as it is.
 */
export const freshnessOf = ({ snapshot }: Pick<Graph, 'snapshot'>, tables: readonly GraphTable[]): Freshness => {
  const source = snapshot?.source;
  const changed = tables.filter(({ table, version }) => version !== loadedVersion(source, table));
  const names = changed.map(({ table }) => table);
  const since = changed.map((table) => changedAt(table, loadedVersion(source, table.table))).sort();
  return {
    stale: changed.length > 0,
    staleSince: since[0] ?? null,
    staleReason: names.length === 0 ? null : `Staged since the snapshot: ${listed(names)}.`,
    snapshotVersion: snapshot?.version ?? null,
    materializedAt: source?.at ?? null,
    changed: names,
  };
};

/** The version of a table that a snapshot was made from; 0: of nothing. */
export const loadedVersion = (source: SnapshotSource | undefined, table: string): number =>
  source?.tables.find((loaded) => loaded.table === table)?.version ?? 0;

/** When the first version came that the snapshot does not have, as far back as is known. */
const changedAt = ({ ended, stagedAt }: GraphTable, loaded: number): string => {
  const later = Object.values(ended).flatMap(({ version, at }) => (version !== null && version > loaded ? [at] : []));
  return later.sort()[0] ?? stagedAt ?? '';
};

const MAX_LISTED = 10;
const listed = (names: readonly string[]): string =>
  names.slice(0, MAX_LISTED).join(', ') + (names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : '');
