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

/** A table of the plan with what loads it. */
export type LoadStep = PlannedTable & { path: string; columns: TableColumns['columns'] };

/**
 * A chunk of nodes costs what its rows cost. Of relationships every further chunk rewrites what the earlier ones wrote
 * (eight chunks took three times as long as one), so there are few; five million of them fit into the buffer pool.
 */
export const CHUNK_ROWS: ChunkRows = { node: 2_000_000, relationship: 5_000_000 };

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
    steps.push({ table, kind, rows, bytes: (await stat(path)).size, chunks, path, columns });
  }
  return steps.sort((left, right) => orderIn(schema, left.table) - orderIn(schema, right.table));
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
