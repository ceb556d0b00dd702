import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal, Terminal } from '../../domain/failure.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { Derivation } from '../../domain/materialization/sources.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import { matchColumns, type SourceFile } from '../staging/source-file.ts';
import { tableColumns } from '../staging/table-columns.ts';
import { exportQuery } from './export-query.ts';
import { countTables, exportTables } from './export-tables.ts';

export type ExportSource = {
  /** The source's database, which is not changed meanwhile. */
  file: string;
  /** The source's own schema. */
  schema: ResolvedSchema;
};

export type ExportDerivation = ExportSource & {
  derivation: Pick<Derivation, 'table' | 'query'>;
  /** The schema of the graph that the table is for. */
  target: ResolvedSchema;
  /** The most that an answer can have. */
  limits: { rows: number; bytes: number };
  /** It is made, and the files go into it. */
  directory: string;
};

/** Rows for a table, as a file to be staged has them. */
export type ExportedRows = Pick<SourceFile, 'path' | 'format'> & { rows: number };

/** How many rows there are of the tables that are taken as they are. What queries find is not known before. */
export const countCopied = async (
  source: ExportSource,
  derivations: readonly Derivation[],
): Promise<{ table: string; rows: number; bytes: 0 }[]> => {
  const copied = new Set(derivations.flatMap(({ table, query }) => (query === null ? [table] : [])));
  const tables = tablesOf(source.schema).filter(({ name }) => copied.has(name));
  const counts = await countTables({ ...source, tables });
  return tables.map(({ name }, at) => ({ table: name, rows: counts[at] ?? 0, bytes: 0 }));
};

/**
 * Writes what a graph has for a table of another one.
 * @returns undefined, and no file, when it has nothing
 * @throws {Refusal} `too_large`, `read_only`, `query_failed`, `query_timeout`, and `invalid_request` for an answer that has other
 * columns than its table
 * @throws the signal's reason
 */
export const exportSource = async (
  request: ExportDerivation,
  signal: AbortSignal,
): Promise<ExportedRows | undefined> => {
  await mkdir(request.directory, { recursive: true });
  const { derivation, ...from } = request;
  const { table, query } = derivation;
  return query === null ? await copyOf(from, table, signal) : await answerOf(from, table, query, signal);
};

type From = Omit<ExportDerivation, 'derivation'>;

const copyOf = async ({ file, schema, directory }: From, table: string, signal: AbortSignal) => {
  const tables = tablesOf(schema).filter(({ name }) => name === table);
  const [exported] = await exportTables({ file, schema, tables, directory }, signal);
  if (exported === undefined) throw new Terminal('internal', `The source has no table ${table} any more.`);
  const { path, rows } = exported;
  return path === null ? undefined : { path, format: 'parquet' as const, rows };
};

const answerOf = async (
  { file, target, limits, directory }: From,
  table: string,
  query: NonNullable<Derivation['query']>,
  signal: AbortSignal,
): Promise<ExportedRows | undefined> => {
  const path = join(directory, 'answer.ndjson');
  const columns = tableColumns(target, table);
  const checkColumns = (names: readonly string[]) => void matchColumns({ name: 'The answer' }, columns, names);
  const rows = await exportQuery({ file, query, checkColumns, limits, output: path }, signal).catch(
    (error: unknown) => {
      throw error instanceof Refusal ? ofTable(table, error) : error;
    },
  );
  return rows === 0 ? undefined : { path, format: 'ndjson', rows };
};

const ofTable = (table: string, { code, message, issues, cause }: Refusal): Refusal =>
  new Refusal(code, `The query for ${table}: ${message}`, { issues, cause });
