import * as z from 'zod';
import { Refusal } from '../failure.ts';
import type { Graph } from '../graph/graph.ts';
import type { OperationEvent } from '../operation/operation-event.ts';
import type { SnapshotSource } from '../snapshot/snapshot.ts';
import { loadedVersion } from '../table/freshness.ts';
import { type SchemaTable, tablesOf } from '../table/schema-table.ts';
import { emptyTable, type GraphTable, type TablePart } from '../table/table.ts';
import type { Derivation, MaterializationSource } from './sources.ts';

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
  /** What tables are derived from before they are loaded. None: all are as they are staged. */
  sources?: readonly MaterializationSource[];
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

/** Which tables are loaded as they are kept now: those that were asked for, and those that are derived. */
export const tablesWith = (
  { tables: asked }: Pick<MaterializationRequest, 'tables'>,
  derivations: readonly Pick<Derivation, 'table'>[],
): Pick<MaterializationRequest, 'tables'> => ({
  tables: asked === null ? null : [...asked, ...derivations.map(({ table }) => table)],
});

/** A graph's tables as they will be when what was derived is published. */
export const withDerived = (
  graphId: string,
  staged: readonly GraphTable[],
  derived: readonly { table: string; version: number; part: TablePart }[],
): GraphTable[] => [
  ...staged.filter(({ table: name }) => !derived.some(({ table }) => table === name)),
  ...derived.map(({ table: name, version, part }) => {
    const before = staged.find(({ table }) => table === name) ?? emptyTable(graphId, name);
    return { ...before, version, parts: [part] };
  }),
];

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

const Derived = z.object({
  table: z.string(),
  /** What the table's version is to be. */
  version: z.int(),
  part: z.object({ key: z.string(), rows: z.int(), bytes: z.int(), checksum: z.string() }),
  source: z.object({ kind: z.enum(['query', 'snapshot']), graphId: z.string(), snapshotVersion: z.int() }),
});
/** A table that was made of a source, as it is to be published. */
export type DerivedTable = z.infer<typeof Derived>;

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
  /** What is published before the snapshot is: the tables that it was made from and that nobody has staged. */
  derived: z.array(Derived).default([]),
  rows: z.int(),
  rejected: z.int(),
  /** The object that tells the rows that were left out. */
  report: z.string().nullable().default(null),
});
export type LoadedSnapshot = z.infer<typeof LoadedSnapshot>;

/** The graphs that tables were derived from, and of which snapshot. */
export const sourcesOf = (
  derived: readonly DerivedTable[],
): { graphId: string; version: number; tables: string[] }[] => {
  const graphIds = [...new Set(derived.map(({ source }) => source.graphId))];
  return graphIds.map((graphId) => {
    const own = derived.filter(({ source }) => source.graphId === graphId);
    return { graphId, version: own[0]?.source.snapshotVersion ?? 0, tables: own.map(({ table }) => table) };
  });
};

/** The loaded snapshot of an operation that is past its point of no return. */
export const loadedSnapshotIn = ({ made }: OperationEvent): LoadedSnapshot => LoadedSnapshot.parse(made);
