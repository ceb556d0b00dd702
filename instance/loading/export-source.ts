import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../domain/failure.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { Derivation } from '../../domain/materialization/sources.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import { refuseBeyond, type TableLimits } from '../../domain/table/table-limits.ts';
import { matchColumns, type SourceFile } from '../staging/source-file.ts';
import { tableColumns } from '../staging/table-columns.ts';
import { exportQuery } from './export-query.ts';
import { countTables, exportTables } from './export-tables.ts';

export type ExportSource = {
  /** The source's database, which is not changed meanwhile. */
  file: string;
  /** The source's own schema. */
  schema: ResolvedSchema;
  /** Those that are derived from it. */
  derivations: readonly Derivation[];
  /** The schema of the graph that they are for, and how much of them it can have. */
  target: { schema: ResolvedSchema; limits: TableLimits };
  /** The files go into it. */
  directory: string;
};

/** Rows for a table, as files to be staged have them. */
export type ExportedRows = Pick<SourceFile, 'path' | 'format'>;

/**
 * Writes what a graph has for tables of another one. Of tables that nothing is there for no file is there.
 * @throws {Refusal} `too_large` before a table is written; `read_only`, `query_failed`, `query_timeout`, and `invalid_request` for
 * an answer that has other columns than its table
 * @throws the signal's reason
 */
export const exportSource = async (
  { file, schema, derivations, target, directory }: ExportSource,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ExportedRows>> => {
  await mkdir(directory, { recursive: true });
  const { limits } = target;
  const copied = new Set(derivations.flatMap(({ table, query }) => (query === null ? [table] : [])));
  const tables = tablesOf(schema).filter(({ name }) => copied.has(name));
  const counts = await countTables({ file, schema, tables });
  refuseBeyond(
    limits,
    tables.map(({ name }, at) => ({ table: name, rows: counts[at] ?? 0, bytes: 0 })),
  );
  const rows = new Map<string, ExportedRows>();
  for (const { table, path } of await exportTables({ file, schema, tables, directory }, signal))
    if (path !== null) rows.set(table, { path, format: 'parquet' });
  for (const { table, query } of derivations) {
    if (query === null) continue;
    signal.throwIfAborted();
    const path = join(directory, `${table}.ndjson`);
    const columns = tableColumns(target.schema, table);
    const checkColumns = (names: readonly string[]) => void matchColumns({ name: 'The answer' }, columns, names);
    const request = { file, query, checkColumns, limits: { rows: limits.rowsPerTable, bytes: limits.bytes } };
    const count = await exportQuery({ ...request, output: path }, signal).catch((error: unknown) => {
      throw error instanceof Refusal ? ofTable(table, error) : error;
    });
    if (count > 0) rows.set(table, { path, format: 'ndjson' });
  }
  return rows;
};

const ofTable = (table: string, { code, message, issues, cause }: Refusal): Refusal =>
  new Refusal(code, `The query for ${table}: ${message}`, { issues, cause });
