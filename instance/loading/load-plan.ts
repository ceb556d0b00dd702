import { stat } from 'node:fs/promises';
import { Refusal, Terminal } from '../../domain/failure.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { type DuckDBSession, sqlText } from '../staging/duckdb-session.ts';
import { type TableColumns, tableColumns } from '../staging/table-columns.ts';

/** Staged Parquet of a table, on disk. */
export type StagedFile = { table: string; path: string };

/** Rows of one table and of all, and bytes of Parquet. */
export type LoadLimits = { rowsPerTable: number; rows: number; bytes: number };

/** How many rows go to the engine in one statement. */
export type ChunkRows = { node: number; relationship: number };

export type PlannedTable = {
  table: string;
  kind: 'node' | 'relationship';
  rows: number;
  bytes: number;
  chunks: number;
};

export type LoadPlan = {
  /** In the order in which they are loaded: nodes first. */
  tables: readonly PlannedTable[];
  rows: number;
  bytes: number;
  limits: LoadLimits;
};

/** A table of the plan with what loads it. Of `heldBytes`, an estimate, the engine can write nothing aside while it loads. */
export type LoadStep = PlannedTable & { path: string; columns: TableColumns['columns']; heldBytes: number };

/**
 * Further chunks cost: of 2.5 million nodes five chunks took 1.6 times as long as one, and eight of relationships, each of which
 * rewrites what the earlier ones wrote, three times; both took more memory and more of the file. So a table is one chunk, but
 * for the largest.
 */
export const CHUNK_ROWS: ChunkRows = { node: 10_000_000, relationship: 50_000_000 };

/** Of a key the engine holds so much besides its bytes. */
const KEY_SLOT_BYTES = 24;
/** Texts are held for each direction of a relationship, and while the one is made of the other. */
const TEXT_COPIES = 3;

/**
 * What a load would do, in order, from the files' metadata alone.
 * @throws {Refusal} `too_large`, or `not_found` for a table that the schema has not
 * @throws {Terminal} `conflict` when a file was staged for another schema
 */
export const planSteps = async (
  duckdb: DuckDBSession,
  schema: ResolvedSchema,
  files: readonly StagedFile[],
  chunkRows: ChunkRows = CHUNK_ROWS,
): Promise<LoadStep[]> => {
  const steps: LoadStep[] = [];
  for (const { table, path } of files) {
    const { kind, columns } = tableColumns(schema, table);
    const rows = await duckdb.number(`SELECT sum(num_rows) FROM parquet_file_metadata(${sqlText(path)})`);
    const found = await duckdb.rows(`DESCRIBE SELECT * FROM read_parquet(${sqlText(path)})`);
    if (found.map(({ column_name: name }) => String(name)).join() !== columns.map(({ name }) => name).join())
      throw new Terminal('conflict', `The staged rows of ${table} have other columns than the schema.`);
    const chunks = Math.ceil(rows / chunkRows[kind]);
    const heldBytes = await heldBytesOf(duckdb, { kind, columns, path, rows });
    steps.push({ table, kind, rows, bytes: (await stat(path)).size, chunks, path, columns, heldBytes });
  }
  return steps.sort((left, right) => orderIn(schema, left.table) - orderIn(schema, right.table));
};

/** Keys of nodes, and texts of relationships other than their ends. */
const heldBytesOf = async (
  duckdb: DuckDBSession,
  { kind, columns, path, rows }: Pick<LoadStep, 'kind' | 'columns' | 'path' | 'rows'>,
): Promise<number> => {
  const keys = columns.filter(({ isKey }) => isKey).map(({ name }) => sqlText(name));
  const held =
    kind === 'node'
      ? `path_in_schema IN (${keys.join()})`
      : `type = 'BYTE_ARRAY' AND path_in_schema NOT IN (${keys.join()})`;
  const bytes = await duckdb.number(
    `SELECT coalesce(sum(total_uncompressed_size) FILTER (${held}), 0) FROM parquet_metadata(${sqlText(path)})`,
  );
  return kind === 'node' ? bytes + rows * KEY_SLOT_BYTES : bytes * TEXT_COPIES;
};

/** The plan to show, within its limits. @throws {Refusal} `too_large` */
export const planOf = (steps: readonly LoadStep[], limits: LoadLimits): LoadPlan => {
  const tables = steps.map(({ table, kind, rows, bytes, chunks }) => ({ table, kind, rows, bytes, chunks }));
  const rows = sum(tables.map((table) => table.rows));
  const bytes = sum(tables.map((table) => table.bytes));
  for (const table of tables) refuseBeyond(`The table ${table.table} has`, table.rows, 'rows', limits.rowsPerTable);
  refuseBeyond('The tables have', rows, 'rows', limits.rows);
  refuseBeyond('The tables have', bytes, 'bytes', limits.bytes);
  return { tables, rows, bytes, limits };
};

const orderIn = ({ nodes, relationships }: ResolvedSchema, table: string): number =>
  [...nodes, ...relationships].findIndex(({ name }) => name === table);

const refuseBeyond = (what: string, count: number, unit: string, limit: number): void => {
  if (count > limit) throw new Refusal('too_large', `${what} ${count} ${unit}; the limit is ${limit}.`);
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
