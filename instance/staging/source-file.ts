import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Failure, Refusal } from '../../domain/failure.ts';
import { sameName } from '../../domain/graph/schema-name.ts';
import { type DuckDBSession, sqlName, sqlText } from './duckdb-session.ts';
import { duckdbType } from './staged-type.ts';
import { valueFromOtherType, valueFromText, valueFromTyped } from './staged-value.ts';
import type { TableColumn, TableColumns } from './table-columns.ts';

/** A file on disk whose rows are to be staged. `name` is what people know it by. */
export type SourceFile = {
  name: string;
  path: string;
  /** `json` is one array of objects (or objects one after another), `ndjson` one object a line. */
  format: 'csv' | 'json' | 'ndjson' | 'parquet';
  compression: 'none' | 'gzip';
  /** Of CSV. @default ',' */
  delimiter?: string;
};

/** A source as DuckDB reads it: relations with a column for each column of the table that the file has. */
export type Source = {
  file: SourceFile;
  /**
   * By the name of the table's column: the relations' column, the SQL of its staged value, and a cheaper one, with which
   * the staged file has to be looked at.
   */
  columns: ReadonlyMap<string, { raw: string; value: string; quick: string }>;
  /** Fails at the first row that can not be read, or only with care. */
  strict: string;
  /** Has all rows in order, with `source_row` from 1, and `structure`: why a row can not be read, or null. */
  tolerant: string;
  /** Where DuckDB notes the lines that `tolerant` can not have as rows. */
  rejects: string | null;
  /** Where the format tells. */
  rows: number | null;
};

/** An object of JSON that is larger than this is refused; a record of CSV can have DuckDB's own 2 MB. */
const MAX_OBJECT_BYTES = 16 * 2 ** 20;
/** Rows that are not one text each: DuckDB reads what is in quotes, and an empty field without quotes is null. */
const CSV_OPTIONS = `header = true, auto_detect = false, quote = '"', escape = '"', allow_quoted_nulls = false`;

/**
 * Looks at a file's columns.
 * @param index tells the sources of one staging apart
 * @throws {Refusal} `invalid_request`: the file can not be read, lacks a key's column, or has one that the table has not
 */
export const openSource = async (
  duckdb: DuckDBSession,
  file: SourceFile,
  table: TableColumns,
  index: number,
): Promise<Source> => {
  if (file.format === 'parquet' && file.compression === 'gzip')
    throw new Refusal('invalid_request', `${file.name}: Parquet is compressed within; send it as it is.`);
  if (file.format === 'csv') return openCsv(file, table, index);
  return file.format === 'parquet' ? openParquet(duckdb, file, table) : openJson(duckdb, file, table);
};

const openCsv = async (file: SourceFile, table: TableColumns, index: number): Promise<Source> => {
  const delimiter = file.delimiter ?? ',';
  const header = await readHeader(file, delimiter);
  const found = matchColumns(file, table, header);
  const names = header.map((_, position) => `field${position}`);
  const typeAt = (position: number): string =>
    found.find((field) => field.position === position)?.column.text ?? 'STRING';
  const read = (more: string, typeOf: (text: string) => string): string =>
    `read_csv(${sqlText(file.path)}, ${CSV_OPTIONS}, delim = ${sqlText(delimiter)}, compression = ${sqlText(file.compression)}, ` +
    `columns = {${names.map((name, position) => `${name}: '${typeOf(typeAt(position))}'`).join(', ')}}${more})`;
  const fields = found.map(({ column, position }) => `${names[position]} AS ${rawName(column)}`);
  // An empty text in quotes is a text or no bytes, and nothing where something else is wanted.
  const forgiving = found.map(({ column, position }, index) =>
    column.text === 'STRING' || column.text === 'BLOB'
      ? fields[index]
      : `nullif(${names[position]}, '') AS ${rawName(column)}`,
  );
  const rejects = `rejects${index}`;
  const noted = `, store_rejects = true, rejects_table = '${rejects}', rejects_scan = 'scans${index}', rejects_limit = 0`;
  return {
    file,
    columns: textColumns(
      found.map(({ column }) => column),
      quickValue,
    ),
    strict: `(SELECT ${fields.join(', ')} FROM ${read('', quickType)})`,
    tolerant: `(SELECT row_number() OVER () AS source_row, NULL::VARCHAR AS structure, ${forgiving.join(', ')} FROM ${read(noted, () => 'VARCHAR')})`,
    rejects,
    rows: null,
  };
};

const openJson = async (duckdb: DuckDBSession, file: SourceFile, table: TableColumns): Promise<Source> => {
  const format = file.format === 'ndjson' ? 'newline_delimited' : 'auto';
  const options = `format = '${format}', compression = '${file.compression === 'gzip' ? 'gzip' : 'uncompressed'}', maximum_object_size = ${MAX_OBJECT_BYTES}`;
  const objects = `read_json_objects(${sqlText(file.path)}, ${options}, ignore_errors = ${format === 'newline_delimited'})`;
  const keys = await readable(file, () =>
    duckdb.rows(`SELECT DISTINCT unnest(json_keys(json)) AS name FROM ${objects} WHERE json_type(json) = 'OBJECT'`),
  );
  const header = keys.map(({ name }) => String(name));
  const columns = matchColumns(file, table, header).map(({ column, position }) => ({
    column,
    key: header[position] ?? '',
  }));
  // Of a number with a fraction, JSON's text is gone once it has been read: a decimal is looked at as JSON first.
  const types = columns.map(
    ({ column, key }) => `${sqlName(key)}: '${column.type.kind === 'decimal' ? 'JSON' : 'VARCHAR'}'`,
  );
  const strict = columns.map(
    ({ column, key }) => `${jsonText(column, sqlName(key), sqlName(key))} AS ${rawName(column)}`,
  );
  const tolerant = columns.map(({ column, key }) => {
    const path = sqlText(`$."${key}"`);
    return `${jsonText(column, `json_extract_string(json, ${path})`, `json_extract(json, ${path})`)} AS ${rawName(column)}`;
  });
  const structure = `CASE WHEN json IS NULL THEN 'is not JSON' WHEN json_type(json) <> 'OBJECT' THEN 'is not a JSON object' END`;
  return {
    file,
    columns: textColumns(columns.map(({ column }) => column)),
    strict:
      types.length === 0
        ? `(SELECT 1 FROM ${objects})`
        : `(SELECT ${strict.join(', ')} FROM read_json(${sqlText(file.path)}, ${options}, columns = {${types.join(', ')}}))`,
    tolerant: `(SELECT row_number() OVER () AS source_row, ${[`${structure} AS structure`, ...tolerant].join(', ')} FROM ${objects})`,
    rejects: null,
    rows: null,
  };
};

/** A double keeps 15 digits; what has more may not be what the file says. */
const jsonText = (column: TableColumn, text: string, json: string): string => {
  if (column.type.kind !== 'decimal') return text;
  const digits = `length(regexp_replace(${json}::VARCHAR, '[^0-9]', '', 'g'))`;
  const isRounded = `NOT starts_with(${json}::VARCHAR, '"') AND regexp_matches(${json}::VARCHAR, '[.eE]') AND ${digits} > 15`;
  return `CASE WHEN ${isRounded} THEN concat(${json}::VARCHAR, ' (a JSON number keeps 15 digits: send text)') ELSE json_extract_string(${json}, '$') END`;
};

const openParquet = async (duckdb: DuckDBSession, file: SourceFile, table: TableColumns): Promise<Source> => {
  const described = await readable(file, () =>
    duckdb.rows(`DESCRIBE SELECT * FROM read_parquet(${sqlText(file.path)})`),
  );
  const header = described.map(({ column_name: name }) => String(name));
  const found = matchColumns(file, table, header);
  const rows = await duckdb.number(`SELECT sum(num_rows) FROM parquet_file_metadata(${sqlText(file.path)})`);
  const fields = found
    .map(({ column, position }) => `${sqlName(header[position] ?? '')} AS ${rawName(column)}`)
    .join(', ');
  const columns = found.map(({ column, position }) => {
    const raw = rawName(column);
    const type = String(described[position]?.['column_type']);
    const isSame = type.replaceAll('"', '') === duckdbType(column.type).replaceAll('"', '');
    if (!isSame) refuseOtherType(file, column, type);
    const value = isSame ? valueFromTyped(column.type, raw) : valueFromOtherType(column.type, raw);
    return [column.name, { raw, value, quick: value }] as const;
  });
  return {
    file,
    columns: new Map(columns),
    strict: `(SELECT ${fields} FROM read_parquet(${sqlText(file.path)}))`,
    tolerant: `(SELECT file_row_number + 1 AS source_row, NULL::VARCHAR AS structure, ${fields} FROM read_parquet(${sqlText(file.path)}, file_row_number = true))`,
    rejects: null,
    rows,
  };
};

/** Values of other types go by their text, which of bytes is not what we read bytes from. */
const refuseOtherType = (file: SourceFile, column: TableColumn, type: string): void => {
  if (!column.text.includes('BLOB') && !type.includes('BLOB')) return;
  throw new Refusal(
    'invalid_request',
    `${file.name}: the column ${column.name} is ${type}, and the table's is ${column.text}.`,
  );
};

const textColumns = (
  columns: readonly TableColumn[],
  quick: (column: TableColumn, value: string) => string = (_, value) => value,
): Source['columns'] =>
  new Map(
    columns.map((column) => {
      const raw = rawName(column);
      const value = valueFromText(column.type, raw);
      return [column.name, { raw, value, quick: quick(column, value) }];
    }),
  );

/** Integers that a double holds exactly, so that a fraction can be seen without looking at the text. */
const SMALL_INTEGER = /^U?INT(8|16|32)$/;

/** What DuckDB's reader of CSV reads a column as, at less cost than a text and as exactly. */
const quickType = (text: string): string => {
  if (SMALL_INTEGER.test(text)) return 'DOUBLE';
  return text === 'FLOAT' || text === 'DOUBLE' || text === 'BOOL' ? text : 'VARCHAR';
};

/** The staged value of what was read so. */
const quickValue = (column: TableColumn, value: string): string => {
  const raw = rawName(column);
  if (SMALL_INTEGER.test(column.text))
    return `CASE WHEN ${raw} <> trunc(${raw}) THEN CAST(concat(${raw}, '?') AS INTEGER) ELSE CAST(${raw} AS ${duckdbType(column.type)}) END`;
  return quickType(column.text) === 'VARCHAR' ? value : raw;
};

/** Whether a column can have what is not a finite number. */
export const isReal = ({ text }: TableColumn): boolean => text === 'FLOAT' || text === 'DOUBLE';

/** Whether a column has integers of at most 64 bits. */
export const isWholeNumber = ({ text }: TableColumn): boolean => /^U?INT(8|16|32|64)$/.test(text);

const rawName = ({ name }: TableColumn): string => sqlName(`raw ${name}`);

/**
 * The table's columns that a file has, and where. The engine tells names apart without regard to case.
 * @throws {Refusal} `invalid_request` for a column that the table has not, one that is there twice, and a key that is missing
 */
export const matchColumns = (
  file: Pick<SourceFile, 'name'>,
  { name: table, columns }: TableColumns,
  header: readonly string[],
): { column: TableColumn; position: number }[] => {
  const issues: string[] = [];
  const unknown = header.filter((name) => !columns.some((column) => sameName(column.name, name)));
  if (unknown.length > 0) issues.push(`${table} has no column ${listed(unknown)}`);
  const twice = header.filter((name, index) => header.findIndex((other) => sameName(other, name)) !== index);
  if (twice.length > 0) issues.push(`the column ${listed(twice)} is there more than once`);
  const missing = columns.filter(({ name, isKey }) => isKey && !header.some((other) => sameName(other, name)));
  if (missing.length > 0) issues.push(`the column ${listed(missing.map(({ name }) => name))} is missing`);
  if (issues.length > 0)
    throw new Refusal('invalid_request', `${file.name}: ${issues.join('; ')}.`, {
      issues: issues.map((message) => ({ path: file.name, message })),
    });
  return columns.flatMap((column) => {
    const position = header.findIndex((name) => sameName(name, column.name));
    return position < 0 ? [] : [{ column, position }];
  });
};

const listed = (names: readonly string[]): string =>
  names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '');

const readable = async <Result>(file: SourceFile, read: () => Promise<Result>): Promise<Result> => {
  try {
    return await read();
  } catch (error) {
    throw error instanceof Error ? unreadable(file.name, error) : error;
  }
};

/** What DuckDB says of a file, without its path on this disk. */
export const unreadable = (name: string, error: Error): Error => {
  if (error.name === 'AbortError' || error instanceof Failure) return error;
  const said = (error.message.split('\n')[0] ?? '').replaceAll(/"?\/[^\s"']+"?/g, 'the file');
  return new Refusal('invalid_request', `${name} can not be read: ${said}`, { cause: error });
};

/** The bytes of a file as its format has them. */
export const readSource = (file: SourceFile): AsyncIterable<Buffer> =>
  file.compression === 'gzip' ? createReadStream(file.path).pipe(createGunzip()) : createReadStream(file.path);

const MAX_HEADER_BYTES = 2 ** 20;

/** The fields of the first line. */
const readHeader = async (file: SourceFile, delimiter: string): Promise<string[]> => {
  const text = await readable(file, () => firstLine(file));
  if (text.trim() === '')
    throw new Refusal('invalid_request', `${file.name} is empty: its first line names the columns.`);
  const fields: string[] = [];
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^"${escaped(delimiter)}]*))(${escaped(delimiter)}|$)`, 'y');
  for (let more = true; more; ) {
    const match = field.exec(text);
    if (match === null)
      throw new Refusal('invalid_request', `${file.name}: the first line, which names the columns, is not CSV.`);
    fields.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
    more = match[3] !== '';
  }
  return fields;
};

const firstLine = async (file: SourceFile): Promise<string> => {
  let text = Buffer.alloc(0);
  for await (const chunk of readSource(file)) {
    text = Buffer.concat([text, chunk]);
    if (text.includes('\n') || text.length > MAX_HEADER_BYTES) break;
  }
  return (text.toString('utf8').split('\n')[0] ?? '').replace(/^\uFEFF/, '').replace(/\r$/, '');
};

const escaped = (delimiter: string): string => delimiter.replaceAll(/[\\\]^-]|[|.*+?$(){}[]/g, '\\$&');
