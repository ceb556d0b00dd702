import * as z from 'zod';
import { Refusal } from '../failure.ts';
import type { Graph } from '../graph/graph.ts';
import type { OperationEvent } from '../operation/operation-event.ts';
import { type Snapshot, type SnapshotSource, snapshotPrefix } from '../snapshot/snapshot.ts';
import { loadedVersion } from '../table/freshness.ts';
import { type SchemaTable, tablesOf } from '../table/schema-table.ts';
import type { GraphTable, TablePart } from '../table/table.ts';

/** What a materialization works by. */
export type MaterializationRequest = {
  /** Loads also what has not changed since the snapshot. */
  force: boolean;
  /** Loads every table, whatever the snapshot has. */
  rebuild: boolean;
  /** Leaves out the rows that the graph can not have, instead of failing. */
  ignoreErrors: boolean;
  /** These as they are staged now; the others stay as the snapshot has them. Null: all. */
  tables: readonly string[] | null;
};

/** A table as it is to be loaded, or is loaded: this version, from these rows. */
export type TableVersion = Pick<SchemaTable, 'kind'> & { table: string; version: number; part: TablePart };

/**
 * The tables that a materialization makes the graph of, in the order in which they are loaded: nodes, then relationships.
 * Tables without rows staged are empty and not among them.
 * @throws {Refusal} `conflict` when the snapshot has a table at a version whose rows are not kept any more
 */
export const tablesToLoad = (
  { schema, snapshot }: Pick<Graph, 'schema' | 'snapshot'>,
  staged: readonly GraphTable[],
  { tables: asked }: Pick<MaterializationRequest, 'tables'>,
): TableVersion[] =>
  tablesOf(schema).flatMap(({ name, kind }) => {
    const known = asked === null || asked.includes(name) ? asStaged(name, staged) : asLoaded(name, snapshot?.source);
    return known === undefined ? [] : [{ kind, table: name, ...known }];
  });

/** Whether there is anything that the snapshot does not have, among the tables that were asked for. */
export const isUpToDate = (
  { snapshot }: Pick<Graph, 'snapshot'>,
  staged: readonly GraphTable[],
  { tables: asked }: Pick<MaterializationRequest, 'tables'>,
): boolean =>
  chosenOf(staged, { tables: asked }).every(({ table, version }) => version === loadedVersion(snapshot?.source, table));

/** Those of the staged tables that were asked for. */
export const chosenOf = (
  staged: readonly GraphTable[],
  { tables: asked }: Pick<MaterializationRequest, 'tables'>,
): GraphTable[] => staged.filter(({ table, version }) => version > 0 && (asked === null || asked.includes(table)));

const asStaged = (name: string, staged: readonly GraphTable[]) => {
  const found = staged.find(({ table }) => table === name);
  if (found === undefined || found.version === 0) return undefined;
  const [part, ...more] = found.parts;
  if (part === undefined || more.length > 0)
    throw new Refusal('conflict', `The rows of ${name} are in ${found.parts.length} parts; stage them anew.`);
  return { version: found.version, part };
};

const asLoaded = (name: string, source: SnapshotSource | undefined) => {
  const loaded = source?.tables.find(({ table }) => table === name);
  if (loaded === undefined || loaded.version === 0) return undefined;
  const { version, part } = loaded;
  if (part !== undefined) return { version, part };
  const message = `The rows of ${name} as the snapshot has them are not kept; load ${name} as well.`;
  throw new Refusal('conflict', message);
};

/** A graph that was loaded, as the log has it from the point on at which it is only to be published. */
const LoadedSnapshot = z.object({
  snapshot: z.object({
    version: z.int(),
    key: z.string(),
    checksum: z.string(),
    bytes: z.int(),
    source: z.custom<SnapshotSource>(),
  }),
  tables: z.array(
    z.object({
      table: z.string(),
      kind: z.enum(['node', 'relationship']),
      rows: z.int(),
      rejected: z.int(),
    }),
  ),
  rows: z.int(),
  rejected: z.int(),
});
export type LoadedSnapshot = z.infer<typeof LoadedSnapshot>;

/** The loaded snapshot of an operation whose newest event is the one that told of it. */
export const loadedSnapshotIn = ({ detail }: OperationEvent): LoadedSnapshot => LoadedSnapshot.parse(detail);

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
