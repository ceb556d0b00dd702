import { join } from 'node:path';
import type { ResolvedSchema } from '../domain/graph/graph-schema.ts';
import { DuckDBSession, sqlText } from '../instance/staging/duckdb-session.ts';
import type { SourceFile } from '../instance/staging/source-file.ts';

/** How large and which: one seed gives one data set, on any machine. */
export type DataSetSize = { people: number; seed: number };

/** A table's files, and how DuckDB reads them without any code of ours. */
export type DataSetTable = { table: string; files: SourceFile[]; truth: string };
export type DataSet = { schema: ResolvedSchema; tables: DataSetTable[] };

const property = (name: string, type: string, primaryKey = false) => ({ name, type, primaryKey });

const SCHEMA: ResolvedSchema = {
  name: 'shop',
  version: '1.0.0',
  extends: null,
  extensions: [],
  nodes: [
    {
      name: 'Person',
      properties: [
        property('id', 'INT64', true),
        property('name', 'STRING'),
        property('born', 'DATE'),
        property('score', 'DOUBLE'),
        property('member', 'BOOL'),
      ],
    },
    {
      name: 'Product',
      properties: [
        property('sku', 'STRING', true),
        property('title', 'STRING'),
        property('price', 'DECIMAL(10, 2)'),
        property('tags', 'STRING[]'),
      ],
    },
    {
      name: 'City',
      properties: [property('code', 'STRING', true), property('label', 'STRING'), property('people', 'INT32')],
    },
  ],
  relationships: [
    { name: 'KNOWS', from: 'Person', to: 'Person', properties: [{ name: 'since', type: 'DATE' }] },
    { name: 'LIVES_IN', from: 'Person', to: 'City', properties: [] },
    {
      name: 'BOUGHT',
      from: 'Person',
      to: 'Product',
      properties: [
        { name: 'at', type: 'TIMESTAMP' },
        { name: 'quantity', type: 'INT32' },
        { name: 'paid', type: 'DECIMAL(10, 2)' },
      ],
    },
  ],
};

/**
 * Writes a shop's people, products, cities and what they have to do with each other, in every format. A few know and buy
 * most; names have quotes, commas, line breaks and letters from everywhere; things are missing.
 *
 * 800,000 people make 1,002,000 nodes and 2,400,000 relationships.
 */
export const writeDataSet = async (directory: string, { people, seed }: DataSetSize): Promise<DataSet> => {
  await using duckdb = await DuckDBSession.open({ temporaryDirectory: directory, memoryMebibytes: 1_024 });
  const products = Math.ceil(people / 4);
  const cities = Math.ceil(people / 400);
  /** A number from 0 to 1, evenly spread, of a row's own. */
  const random = (column: number): string => `((hash(i, ${seed}, ${column}) % 1000000007) / 1000000007.0)`;
  const oneIn = (count: number, column: number): string => `(hash(i, ${seed}, ${column}) % ${count} = 0)`;
  /** From 0 to a limit, small numbers far more often. */
  const skewed = (limit: number, column: number): string =>
    `CAST(floor(${limit} * pow(${random(column)}, 3)) AS BIGINT)`;
  const of = (texts: readonly string[], column: number): string =>
    `[${texts.map(sqlText).join(', ')}][1 + CAST(hash(i, ${seed}, ${column}) % ${texts.length} AS INTEGER)]`;
  const rows = (count: number, columns: string, from = 0): string =>
    `SELECT ${columns} FROM range(${from}, ${count}) AS rows(i)`;

  const person = `i AS id, CASE WHEN NOT ${oneIn(50, 1)} THEN ${of(FIRST_NAMES, 2)} || ' ' || ${of(LAST_NAMES, 3)} END AS name,
    CASE WHEN NOT ${oneIn(13, 4)} THEN DATE '1930-01-01' + CAST(${random(5)} * 30000 AS INTEGER) END AS born,
    CASE WHEN NOT ${oneIn(7, 6)} THEN round(${random(7)} * 1000, 3) END AS score, ${oneIn(3, 8)} AS member`;
  const queries: [table: string, file: string, query: string][] = [
    ['Person', 'people-1.csv.gz', rows(Math.floor(people / 2), person)],
    ['Person', 'people-2.ndjson', rows(people, person, Math.floor(people / 2))],
    [
      'Product',
      'products.ndjson.gz',
      rows(
        products,
        `'P-' || i AS sku, ${of(TITLES, 9)} || ' ' || i AS title, CAST(${random(10)} * 500 AS DECIMAL(10, 2)) AS price,
         CASE WHEN NOT ${oneIn(5, 11)} THEN [${of(TAGS, 12)}, ${of(TAGS, 13)}] END AS tags`,
      ),
    ],
    [
      'City',
      'cities.json',
      rows(cities, `'C' || i AS code, ${of(CITIES, 14)} AS label, CAST(1000000 / (i + 1) AS INTEGER) AS people`),
    ],
    [
      'KNOWS',
      'knows.parquet',
      rows(
        Math.floor(people * 1.5),
        `${skewed(people, 15)} AS "from", CAST(floor(${people} * ${random(16)}) AS BIGINT) AS "to", DATE '2000-01-01' + CAST(${random(17)} * 9000 AS INTEGER) AS since`,
      ),
    ],
    ['LIVES_IN', 'lives-in.csv', rows(people, `i AS "from", 'C' || ${skewed(cities, 18)} AS "to"`)],
    [
      'BOUGHT',
      'bought.csv.gz',
      rows(
        Math.floor(people / 2),
        `${skewed(people, 19)} AS "from", 'P-' || ${skewed(products, 20)} AS "to",
         TIMESTAMP '2020-01-01' + to_microseconds(CAST(${random(21)} * 150000000000000 AS BIGINT)) AS "at",
         CASE WHEN NOT ${oneIn(20, 22)} THEN CAST(1 + ${skewed(9, 23)} AS INTEGER) END AS quantity, CAST(${random(24)} * 900 AS DECIMAL(10, 2)) AS paid`,
      ),
    ],
  ];
  for (const [, file, query] of queries)
    await duckdb.run(
      `COPY (${query}) TO ${sqlText(join(directory, file))} (${WRITE_OPTIONS[formatOf(file)]}${isGzip(file) ? ', COMPRESSION gzip' : ''})`,
    );
  const names = [...new Set(queries.map(([table]) => table))];
  const tables = names.map((table) => {
    const files = queries.filter(([owner]) => owner === table).map(([, file]) => sourceOf(directory, file));
    return { table, files, truth: files.map(truthOf).join(' UNION ALL BY NAME ') };
  });
  return { schema: SCHEMA, tables };
};

const formatOf = (file: string): SourceFile['format'] =>
  (['csv', 'ndjson', 'json', 'parquet'] as const).find((format) => file.includes(`.${format}`)) ?? 'csv';

const isGzip = (file: string): boolean => file.endsWith('.gz');

const WRITE_OPTIONS: Readonly<Record<SourceFile['format'], string>> = {
  csv: 'FORMAT csv, HEADER',
  ndjson: 'FORMAT json',
  json: 'FORMAT json, ARRAY',
  parquet: 'FORMAT parquet',
};

const sourceOf = (directory: string, name: string): SourceFile => ({
  name,
  path: join(directory, name),
  format: formatOf(name),
  compression: isGzip(name) ? 'gzip' : 'none',
});

/** Types that DuckDB would otherwise guess from the first rows. */
const truthOf = ({ path, format }: SourceFile): string => {
  if (format === 'parquet') return `FROM read_parquet(${sqlText(path)})`;
  return format === 'csv'
    ? `FROM read_csv(${sqlText(path)}, sample_size = -1)`
    : `FROM read_json(${sqlText(path)}, sample_size = -1)`;
};

const FIRST_NAMES = [
  'Ada',
  'Zoë',
  '王',
  'José "Pepe"',
  "Siân O'",
  'Øystein',
  'Мария',
  'نور',
  'Jean,Luc',
  '😀',
  'Line\nBreak',
  'Ña',
];
const LAST_NAMES = [
  'Lovelace',
  'Müller',
  '小明',
  'Nguyễn',
  'Smith, Jr.',
  "d'Arc",
  'Иванова',
  'Ünal',
  '"Quote"',
  'Back\\slash',
  'Tab\there',
  'Å',
];
const TITLES = ['Chair, oak', 'Lamp "Sol"', 'Bücherregal', '茶碗', "Painter's tape", 'Rug\n(large)'];
const TAGS = ['new', 'sale, 50 %', 'ünïcode', '"quoted"', '家具'];
const CITIES = ['København', 'São Paulo', '東京', "L'Aquila", 'Zürich', 'Saint John, NB'];
