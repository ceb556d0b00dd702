import { rm } from 'node:fs/promises';
import { type DuckDBSession, sqlName, sqlText } from './duckdb-session.ts';
import { placesOf } from './record-lines.ts';
import type { RejectedRow, RejectedRows } from './rejected-rows.ts';
import type { Source } from './source-file.ts';
import { stagedType } from './staged-type.ts';
import { expectation } from './staged-value.ts';
import type { TableColumn, TableColumns } from './table-columns.ts';

/** How much of a wrong value is kept. */
const MAX_VALUE_LENGTH = 200;
/** The rows that are there already come before those of the files. */
const EXISTING = -1;

export type Examination = {
  rejected: RejectedRows;
  /** A query for the rows that can stay, in order. */
  accepted: string;
};

type Input = {
  table: TableColumns;
  sources: readonly Source[];
  existing: string | null;
  /** A file for what was found out about every row; the caller removes it. */
  scratchFile: string;
  keep: number;
};

/**
 * Looks at every row and says which can not be staged and why. Takes about twice as long as staging rows that are all
 * right, which is why it is done only when they are not.
 */
export const examineRows = async (duckdb: DuckDBSession, input: Input): Promise<Examination> => {
  const { table, sources, existing, scratchFile, keep } = input;
  await rm(scratchFile, { force: true });
  const parts = sources.map((source, index) => examined(table, source, index));
  if (existing !== null) parts.unshift(existingRows(table, existing));
  await duckdb.run(`COPY (${parts.join(' UNION ALL ')}) TO ${sqlText(scratchFile)} (FORMAT parquet)`);
  const rows = `read_parquet(${sqlText(scratchFile)})`;
  await duckdb.run(duplicatesStatement(table, rows));
  const found = [
    ...(await wrongValues(duckdb, table, rows, keep)),
    ...(await duplicateKeys(duckdb, table, sources, keep)),
    ...(await refusedRecords(duckdb, sources, keep)),
  ];
  const count =
    (await duckdb.number(`SELECT count(*) FROM ${rows} WHERE len(wrong) > 0`)) +
    (await duckdb.number('SELECT count(*) FROM duplicates')) +
    (await refusedCount(duckdb, sources));
  const columns = table.columns.map(({ name }, index) => `value${index} AS ${sqlName(name)}`).join(', ');
  return {
    rejected: { count, first: await placed(sources, found, keep) },
    accepted: `SELECT ${columns} FROM ${rows} AS examined WHERE len(wrong) = 0 AND NOT EXISTS (
      SELECT 1 FROM duplicates WHERE duplicates.file = examined.file AND duplicates.source_row = examined.source_row)`,
  };
};

/** Each row with its values, the numbers of the columns that are wrong, and what is there instead. */
const examined = ({ columns }: TableColumns, source: Source, file: number): string => {
  const raw = ({ name }: TableColumn) => source.columns.get(name)?.raw;
  const values = columns.map((column, index) => {
    const value = source.columns.get(column.name)?.value;
    return `${value === undefined ? `NULL::${stagedType(column.type)}` : `TRY(${value})`} AS value${index}`;
  });
  const isWrong = columns.map((column, index) => {
    if (raw(column) === undefined) return 'false';
    const isUnread = `(${raw(column)} IS NOT NULL AND value${index} IS NULL)`;
    return column.isKey ? `(${raw(column)} IS NULL OR ${isUnread})` : isUnread;
  });
  const pick = (of: (index: number) => string) =>
    `[${columns.map((_, index) => `CASE WHEN ${isWrong[index]} THEN ${of(index)} END`).join(', ')}]`;
  const wrong = `list_filter(${pick(String)}, lambda index: index IS NOT NULL)`;
  const texts = pick((index) => {
    const column = columns[index];
    return `left(CAST(${(column && raw(column)) ?? 'NULL'} AS VARCHAR), ${MAX_VALUE_LENGTH})`;
  });
  return `SELECT ${file} AS file, source_row, ${columns.map((_, index) => `value${index}`).join(', ')}, structure,
      CASE WHEN structure IS NULL THEN ${wrong} ELSE [-1] END AS wrong, CASE WHEN len(${wrong}) > 0 THEN ${texts} END AS texts
    FROM (SELECT *, ${values.join(', ')} FROM ${source.tolerant})`;
};

const existingRows = ({ columns }: TableColumns, existing: string): string => {
  const values = columns.map(({ name }, index) => `${sqlName(name)} AS value${index}`).join(', ');
  return `SELECT ${EXISTING} AS file, file_row_number + 1 AS source_row, ${values}, NULL::VARCHAR AS structure, []::INTEGER[] AS wrong,
    NULL::VARCHAR[] AS texts FROM read_parquet(${sqlText(existing)}, file_row_number = true)`;
};

/** Only a node has a key that has to be unique, and only keys that are there twice are put in order. */
const duplicatesStatement = ({ kind, columns }: TableColumns, rows: string): string => {
  const key = `value${columns.findIndex(({ isKey }) => isKey)}`;
  const first = kind === 'relationship' ? 'false' : 'true';
  return `CREATE OR REPLACE TEMP TABLE duplicates AS
    WITH repeated AS (SELECT ${key} AS repeated_key FROM ${rows} WHERE ${first} AND len(wrong) = 0 GROUP BY ${key} HAVING count(*) > 1),
    ordered AS (SELECT file, source_row, CAST(${key} AS VARCHAR) AS key, row_number() OVER same AS nth, first(file) OVER same AS first_file,
        first(source_row) OVER same AS first_row
      FROM ${rows} JOIN repeated ON repeated_key = ${key} WHERE len(wrong) = 0 WINDOW same AS (PARTITION BY ${key} ORDER BY file, source_row))
    SELECT file, source_row, key, first_file, first_row FROM ordered WHERE nth > 1`;
};

/** A row as DuckDB counts it, before its line is known. */
type Found = { file: number; count: 'read' | 'line'; at: number } & Pick<RejectedRow, 'column' | 'value' | 'reason'>;

const wrongValues = async (
  duckdb: DuckDBSession,
  { columns }: TableColumns,
  rows: string,
  keep: number,
): Promise<Found[]> => {
  const found = await duckdb.rows(
    `SELECT file, source_row, structure, wrong[1] AS wrong, texts[wrong[1] + 1] AS text FROM ${rows} WHERE len(wrong) > 0
     ORDER BY file, source_row LIMIT ${keep}`,
  );
  return found.map(({ file, source_row: row, structure, wrong, text }) => {
    const column = columns[Number(wrong)];
    const value = textOrNull(text);
    const reason = column === undefined ? String(structure) : reasonOf(column, value);
    return { file: Number(file), count: 'read', at: Number(row), column: column?.name ?? null, value, reason };
  });
};

const reasonOf = (column: TableColumn, value: string | null): string =>
  value === null ? 'is a key and has no value' : `${expectation(column.type)} ${column.text}`;

const duplicateKeys = async (
  duckdb: DuckDBSession,
  { columns }: TableColumns,
  sources: readonly Source[],
  keep: number,
): Promise<Found[]> => {
  const key = columns.find(({ isKey }) => isKey)?.name ?? null;
  const found = await duckdb.rows(`FROM duplicates ORDER BY file, source_row LIMIT ${keep}`);
  return found.map(({ file, source_row: row, key: value, first_file: firstFile, first_row: firstRow }) => {
    const where = sources[Number(firstFile)]?.file.name;
    const reason =
      where === undefined
        ? 'is the key of a row that is there already'
        : `is the key of an earlier row, ${firstRow} of ${where}`;
    return { file: Number(file), count: 'read', at: Number(row), column: key, value: textOrNull(value), reason };
  });
};

const refusedRecords = async (duckdb: DuckDBSession, sources: readonly Source[], keep: number): Promise<Found[]> => {
  const all = sources.map(async ({ rejects }, file): Promise<Found[]> => {
    if (rejects === null) return [];
    const found = await duckdb.rows(
      `SELECT line, first(CAST(error_type AS VARCHAR) ORDER BY column_idx) AS error, first(left(ltrim(csv_line, chr(10) || chr(13)), ${MAX_VALUE_LENGTH})) AS text
       FROM ${rejects} GROUP BY line ORDER BY line LIMIT ${keep}`,
    );
    return found.map(({ line, error, text }) => {
      const reason = STRUCTURE_REASONS[String(error)] ?? `is not CSV (${String(error).toLowerCase()})`;
      return { file, count: 'line', at: Number(line), column: null, value: textOrNull(text), reason };
    });
  });
  return (await Promise.all(all)).flat();
};

const STRUCTURE_REASONS: Readonly<Record<string, string>> = {
  'MISSING COLUMNS': 'has fewer fields than the first line',
  'TOO MANY COLUMNS': 'has more fields than the first line',
  'UNQUOTED VALUE': 'has a quote that does not end its field',
  'LINE SIZE OVER MAXIMUM': 'is too long',
  'INVALID ENCODING': 'is not UTF-8',
};

const refusedCount = async (duckdb: DuckDBSession, sources: readonly Source[]): Promise<number> => {
  let count = 0;
  for (const { rejects } of sources)
    if (rejects !== null) count += await duckdb.number(`SELECT count(DISTINCT line) FROM ${rejects}`);
  return count;
};

/** Rows with their places, in the order of the files. */
const placed = async (sources: readonly Source[], found: readonly Found[], keep: number): Promise<RejectedRow[]> => {
  const rejected: RejectedRow[] = [];
  for (const [index, { file }] of sources.entries()) {
    const here = found.filter((row) => row.file === index);
    if (here.length === 0) continue;
    const at = (count: Found['count']) => new Set(here.filter((row) => row.count === count).map((row) => row.at));
    const hasLines = file.format === 'csv' || file.format === 'ndjson';
    const places = hasLines ? await placesOf(file, { readRows: at('read'), refusedLines: at('line') }) : undefined;
    const rows = here.map(({ count, at: counted, column, value, reason }) => {
      const place = (count === 'read' ? places?.readRows : places?.refusedLines)?.get(counted);
      return { file: file.name, row: place?.row ?? counted, line: place?.line ?? null, column, value, reason };
    });
    rejected.push(...rows.sort((left, right) => left.row - right.row));
  }
  return rejected.slice(0, keep);
};

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
