import { rm, stat } from 'node:fs/promises';
import { Refusal, Retryable, Terminal } from '../../domain/failure.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { measureFile } from '../workspace.ts';
import { DuckDBSession, sqlName, sqlText } from './duckdb-session.ts';
import { examineRows } from './examine-rows.ts';
import { NO_REJECTS, type RejectedRows, RowsRejected } from './rejected-rows.ts';
import { isReal, isWholeNumber, openSource, type Source, type SourceFile, unreadable } from './source-file.ts';
import { stagedType } from './staged-type.ts';
import { type TableColumn, type TableColumns, tableColumns } from './table-columns.ts';

/** Bytes are those of the files as they are on disk. */
export type StagingLimits = { rows: number; bytes: number };

export type StageTable = {
  schema: ResolvedSchema;
  /** A node or a relationship of the schema. */
  table: string;
  files: readonly SourceFile[];
  /** The table's staged Parquet, which the files' rows are added to. Null: the files replace what there is. */
  existing: string | null;
  /** Where the staged Parquet goes. Nothing is there when this fails. */
  output: string;
  /** Leaves out the rows that can not be staged, instead of refusing all. */
  ignoreErrors: boolean;
  limits: StagingLimits;
  /** How many rejected rows are told. @default 100 */
  keepRejects?: number;
};

export type StagedTable = {
  rows: number;
  bytes: number;
  /** SHA-256, hexadecimal. */
  checksum: string;
  rejected: RejectedRows;
};

type Work = { temporaryDirectory: string; memoryMebibytes?: number; signal?: AbortSignal };

const KEEP_REJECTS = 100;

/**
 * Makes one Parquet file of a table's rows, typed by the graph's schema, with the columns in its order.
 *
 * Rows that are all right take one pass, with checks that fail at the first value that is not exactly of its type. Only
 * then are all rows looked at one by one.
 * @throws {RowsRejected} rows can not be staged and `ignoreErrors` is false
 * @throws {Refusal} `too_large`, or `invalid_request` when a file can not be read or does not fit the table
 * @throws the signal's reason when it aborts
 */
export const stageTable = async (request: StageTable, work: Work): Promise<StagedTable> => {
  const { schema, table: name, files, existing, output, limits } = request;
  const table = tableColumns(schema, name);
  await refuseBytes(files, existing, limits);
  await using duckdb = await DuckDBSession.open(work);
  const scratchFile = `${output}.examined`;
  try {
    const sources: Source[] = [];
    for (const [index, file] of files.entries()) sources.push(await openSource(duckdb, file, table, index));
    const before = existing === null ? 0 : await existingRows(duckdb, existing, table);
    refuseRows(before + sources.reduce((sum, { rows }) => sum + (rows ?? 0), 0), limits);
    const written = await writeRows(duckdb, { ...request, table, sources, scratchFile });
    const rows = await rowsOf(duckdb, output);
    refuseRows(rows, limits);
    return { rows, ...written };
  } catch (error) {
    await rm(output, { force: true });
    throw isOutOfMemory(error)
      ? new Retryable('unavailable', 'There is not enough memory to stage the table.', { cause: error })
      : error;
  } finally {
    await rm(scratchFile, { force: true });
  }
};

type Writing = Omit<StageTable, 'table'> & { table: TableColumns; sources: readonly Source[]; scratchFile: string };

const writeRows = async (duckdb: DuckDBSession, writing: Writing): Promise<Omit<StagedTable, 'rows'>> => {
  const { table, sources, existing, output, scratchFile, ignoreErrors, keepRejects: keep = KEEP_REJECTS } = writing;
  const strict = sources.map((source) => strictSelect(table, source));
  if (existing !== null) strict.unshift(`SELECT ${columnList(table)} FROM read_parquet(${sqlText(existing)})`);
  try {
    await writeParquet(duckdb, strict.join(' UNION ALL '), output);
    const [isDoubtful, file] = await Promise.all([needsLook(duckdb, table, output), measureFile(output)]);
    if (!isDoubtful) return { ...file, rejected: NO_REJECTS };
  } catch (error) {
    if (isOutOfMemory(error)) throw error;
    // Some value is not what it should be, or a file can not be read: what follows tells, or is interrupted as this was.
  }
  await rm(output, { force: true });
  const names = sources.map(({ file }) => file.name).join(', ');
  try {
    const { rejected, accepted } = await examineRows(duckdb, { table, sources, existing, scratchFile, keep });
    if (rejected.count > 0 && !ignoreErrors) throw new RowsRejected(table.name, rejected);
    await writeParquet(duckdb, accepted, output);
    return { ...(await measureFile(output)), rejected };
  } catch (error) {
    throw error instanceof Error && !isOutOfMemory(error) ? unreadable(names, error) : error;
  }
};

const strictSelect = ({ columns }: TableColumns, source: Source): string => {
  const values = columns.map(({ name, type, isKey }) => {
    const found = source.columns.get(name);
    if (found === undefined) return `NULL::${stagedType(type)} AS ${sqlName(name)}`;
    const { raw, quick } = found;
    // A key that is null fails as any wrong value does.
    const present = `CASE WHEN ${raw} IS NULL THEN concat(${raw}, 'null')::BIGINT::VARCHAR::${stagedType(type)} ELSE ${quick} END`;
    return `${isKey ? present : quick} AS ${sqlName(name)}`;
  });
  return `SELECT ${values.join(', ')} FROM ${source.strict}`;
};

const columnList = ({ columns }: TableColumns): string => columns.map(({ name }) => sqlName(name)).join(', ');

const writeParquet = (duckdb: DuckDBSession, rows: string, output: string): Promise<void> =>
  duckdb.run(`COPY (${rows}) TO ${sqlText(output)} (FORMAT parquet)`);

/**
 * What is cheaper to ask of the Parquet than of every text: whether keys may be there twice, and whether a number is NaN or
 * has become infinite.
 */
const needsLook = async (duckdb: DuckDBSession, { kind, columns }: TableColumns, output: string): Promise<boolean> => {
  const key = kind === 'node' ? columns.find(({ isKey }) => isKey) : undefined;
  const doubts = columns.filter(isReal).map(({ name }) => `coalesce(bool_or(NOT isfinite(${sqlName(name)})), false)`);
  if (key !== undefined) doubts.push(`count(*) <> ${await differentKeys(duckdb, key, output)}`);
  if (doubts.length === 0) return false;
  const query = `SELECT CAST(${doubts.join(' OR ')} AS INTEGER) FROM read_parquet(${sqlText(output)})`;
  return (await duckdb.number(query)) > 0;
};

/** A bit for each number that a key may be, if those are not more than so many for a row, and 32 MiB in all. */
const MOST_BITS_OF_A_ROW = 16;
const MOST_BITS = 2 ** 28;

/** How many keys there are, or fewer: by a bit of each where they are close together, else by hashes, which take less memory than keys. */
const differentKeys = async (duckdb: DuckDBSession, key: TableColumn, output: string): Promise<string> => {
  const name = sqlName(key.name);
  const byHash = `count(DISTINCT hash(${name}))`;
  if (!isWholeNumber(key)) return byHash;
  const [span] = await duckdb.rows(
    `SELECT CAST(min(${name}) AS VARCHAR) AS least, CAST(max(${name}) AS VARCHAR) AS most, count(*) AS "rows",
     CAST(max(${name}) AS HUGEINT) - CAST(min(${name}) AS HUGEINT) AS bits FROM read_parquet(${sqlText(output)})`,
  );
  const bits = Number(span?.['bits'] ?? Number.POSITIVE_INFINITY);
  if (bits > Math.min(MOST_BITS, Number(span?.['rows']) * MOST_BITS_OF_A_ROW)) return byHash;
  const bound = (end: 'least' | 'most') => `CAST(${sqlText(String(span?.[end]))} AS ${stagedType(key.type)})`;
  return `bit_count(bitstring_agg(${name}, ${bound('least')}, ${bound('most')}))`;
};

const rowsOf = (duckdb: DuckDBSession, parquet: string): Promise<number> =>
  duckdb.number(`SELECT sum(num_rows) FROM parquet_file_metadata(${sqlText(parquet)})`);

/** The rows that are there, after a look whether they are of this schema. */
const existingRows = async (
  duckdb: DuckDBSession,
  existing: string,
  { name, columns }: TableColumns,
): Promise<number> => {
  const described = await duckdb.rows(`DESCRIBE SELECT * FROM read_parquet(${sqlText(existing)})`);
  const found = described.map(({ column_name: column }) => String(column)).join();
  if (found !== columns.map((column) => column.name).join())
    throw new Terminal('conflict', `The staged rows of ${name} have other columns than the schema.`);
  return rowsOf(duckdb, existing);
};

const refuseBytes = async (
  files: readonly SourceFile[],
  existing: string | null,
  limits: StagingLimits,
): Promise<void> => {
  if (files.length === 0) throw new Refusal('invalid_request', 'There is no file to stage.');
  let bytes = existing === null ? 0 : (await stat(existing)).size;
  for (const { path } of files) bytes += (await stat(path)).size;
  if (bytes > limits.bytes)
    throw new Refusal('too_large', `The files have ${bytes} bytes; a table can have ${limits.bytes}.`);
};

const refuseRows = (rows: number, limits: StagingLimits): void => {
  if (rows > limits.rows) throw new Refusal('too_large', `There are ${rows} rows; a table can have ${limits.rows}.`);
};

/** What ran out is of this machine, and says nothing of the files. */
const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && /^Out of Memory|No space left on device/.test(error.message);
