import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCALAR_TYPES } from '../../../domain/graph/supported-types.ts';
import { tablesOf } from '../../../domain/table/schema-table.ts';
import type { Json } from '../../../instance/database/query-parameters.ts';
import { openReadOnly } from '../../../instance/database/read-only-database.ts';
import { exportTables } from '../../../instance/loading/export-tables.ts';
import { loadGraph } from '../../../instance/loading/load-graph.ts';
import { RowsRejected } from '../../../instance/staging/rejected-rows.ts';
import type { SourceFile } from '../../../instance/staging/source-file.ts';
import { Staging } from '../staging/staging-fixture.ts';

const withColumn = (type: string) =>
  Staging.open({
    nodes: [
      {
        name: 'T',
        properties: [
          { name: 'id', type: 'INT64', primaryKey: true },
          { name: 'v', type, primaryKey: false },
        ],
      },
    ],
  });

/** Stages a file, loads it and asks for the column as a client would; what is exported of it, loaded anew, answers the same. */
const roundTrip = async (staging: Staging, file: SourceFile): Promise<Json[]> => {
  await staging.stage('T', [file]);
  const loaded = staging.path(`${file.format}.lbug`);
  const answer = await loadAndAsk(staging, staging.path('T.parquet'), loaded);
  const { schema } = staging;
  const directory = await mkdtemp(staging.path('export-'));
  const tables = tablesOf(schema);
  const [exported] = await exportTables({ file: loaded, schema, tables, directory }, new AbortController().signal);
  expect(exported).toMatchObject({ table: 'T', kind: 'node', rows: answer.length });
  expect(await loadAndAsk(staging, exported?.path ?? '', join(directory, 'again.lbug'))).toEqual(answer);
  return answer;
};

const loadAndAsk = async (staging: Staging, path: string, output: string): Promise<Json[]> => {
  await loadGraph(
    {
      schema: staging.schema,
      files: [{ table: 'T', path }],
      limits: { rowsPerTable: 100, rows: 100, bytes: 1e6 },
      ignoreErrors: false,
      output,
      report: staging.path('report.ndjson'),
    },
    { temporaryDirectory: staging.directory },
  );
  const database = await openReadOnly(output);
  try {
    const answer = await database.query({
      cypher: 'MATCH (t:T) RETURN t.v ORDER BY t.id',
      limit: 100,
      timeoutMs: 10_000,
    });
    return (await Array.fromAsync(answer.rows())).map(([value]) => value ?? null);
  } finally {
    await database.close();
  }
};

const csvField = (value: Json): string => {
  if (value === null) return '';
  return `"${(typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll('"', '""')}"`;
};

/** Values as a file has them, and as a query answers them where that is another form. */
const VALUES: [type: string, given: Json[], answered?: Json[]][] = [
  ['STRING', ['', 'a, "b"\n\'c\' \\ 北京 😀', 'null', ' ']],
  ['BOOL', [true, false]],
  ['INT8', [-128, 127]],
  ['INT16', [-32_768, 32_767]],
  ['INT32', [-2_147_483_648, 2_147_483_647]],
  ['INT64', ['-9223372036854775808', '9223372036854775807', 7]],
  ['INT128', ['170141183460469231731687303715884105727', '-170141183460469231731687303715884105727', -1]],
  ['UINT8', [255]],
  ['UINT16', [65_535]],
  ['UINT32', [4_294_967_295]],
  ['UINT64', ['18446744073709551615', 0]],
  ['FLOAT', [1.5, -0.25, 'Infinity', '-Infinity', 1e30], [1.5, -0.25, 'Infinity', '-Infinity', Math.fround(1e30)]],
  ['DOUBLE', [0.1, 1e300, 5e-324, 'Infinity', '-Infinity']],
  ['DECIMAL(10, 2)', ['-0.05', '12345678.90', '0.00', '-7.00']],
  ['DECIMAL(38, 10)', ['-1234567890123456789012345678.0123456789']],
  ['DECIMAL(5, 0)', ['-99999', '0']],
  ['DATE', ['2024-02-29', '0001-01-01', '9999-12-31', '1969-12-31']],
  ['TIMESTAMP', ['2024-02-29T12:34:56.123456Z', '1969-12-31T23:59:59.999999Z']],
  [
    'TIMESTAMP',
    ['2024-02-29 12:34:56+02', '2024-02-29', '2024-02-29T23:30:00.5-01:30'],
    ['2024-02-29T10:34:56Z', '2024-02-29T00:00:00Z', '2024-03-01T01:00:00.5Z'],
  ],
  ['TIMESTAMP_MS', ['2024-02-29T12:34:56.123Z']],
  ['TIMESTAMP_SEC', ['2024-02-29T12:34:56Z']],
  ['TIMESTAMP_TZ', ['2024-02-29T12:34:56.123456+02:00'], ['2024-02-29T10:34:56.123456Z']],
  ['INTERVAL', ['P1Y2M3DT4H5M6.000789S', 'PT0.000005S', 'PT0S', 'PT100H']],
  ['INTERVAL', ['1 year 2 months', '3 days 00:00:01.5'], ['P1Y2M', 'P3DT1.5S']],
  ['UUID', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  ['BLOB', [Buffer.from([0xaa, 0, 0x27, 0x2c, 0x42]).toString('base64'), '']],
  ['INT64[]', [[], [1, null, '9223372036854775807']]],
  ['STRING[]', [['a,b', '', null, '"]', "it's"]]],
  ['TIMESTAMP[]', [['2024-02-29T12:34:56.123456Z', null]]],
  ['DOUBLE[3]', [[1.5, 2.5, -3.5]]],
  ['INT64[][]', [[[1], [], [2, null]]]],
  ['INT128[]', [['170141183460469231731687303715884105727', null], []]],
  ['INTERVAL[]', [['P1Y', 'PT2H', null]]],
  ['DECIMAL(10, 2)[]', [['-0.05', null, '1.50'], []]],
  [
    'STRUCT(a DATE, b STRING)',
    [
      { a: '2024-02-29', b: '}, a: "x"' },
      { a: null, b: null },
    ],
  ],
  [
    'STRUCT(a DECIMAL(10, 2), b INTERVAL, c INT128[])',
    [{ a: '-0.05', b: 'P1D', c: ['1', null] }],
    [{ a: '-0.05', b: 'P1D', c: [1, null] }],
  ],
  ['STRUCT(a STRUCT(b INT64[]))[]', [[{ a: { b: [1, 2] } }, null]]],
  [
    'MAP(STRING, INT64)',
    [{ 'a=': 1, 'b, c': null }, {}],
    [
      [
        ['a=', 1],
        ['b, c', null],
      ],
      [],
    ],
  ],
  ['MAP(INT64, STRING[])', [{ 1: ['x', null] }], [[[1, ['x', null]]]]],
  ['MAP(DATE, STRUCT(a UUID))', [{ '2024-02-29': { a: null } }], [[['2024-02-29', { a: null }]]]],
];

describe('a value comes from a file to an answer without loss', () => {
  test.each(VALUES)('%s %j', async (type, given, answered = given) => {
    await using staging = await withColumn(type);
    const rows = [...given, null].map((value, id) => ({ id, v: value }));
    const ndjson = await staging.file('t.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'));
    expect(await roundTrip(staging, ndjson)).toEqual([...answered, null]);
    const csv = await staging.file('t.csv', `id,v\n${rows.map(({ id, v }) => `${id},${csvField(v)}`).join('\n')}\n`);
    expect(await roundTrip(staging, csv)).toEqual([...answered, null]);
  });

  test('and every scalar type that a schema can have is among these', () => {
    expect([...new Set(VALUES.map(([type]) => type))]).toEqual(expect.arrayContaining([...SCALAR_TYPES]));
  });

  test.each<[type: string, sql: string, answered: Json]>([
    ['INT128', "'170141183460469231731687303715884105727'", '170141183460469231731687303715884105727'],
    ['DECIMAL(10, 2)', '-0.05::DECIMAL(10, 2)', '-0.05'],
    ['DECIMAL(10, 2)', '1.5::DECIMAL(18, 6)', '1.50'],
    ['INT64', '7::UTINYINT', 7],
    ['INT8', '-7::HUGEINT::BIGINT', -7],
    ['DOUBLE', '0.5::FLOAT', 0.5],
    ['TIMESTAMP', "TIMESTAMP_NS '2024-02-29 12:34:56.123456000'", '2024-02-29T12:34:56.123456Z'],
    ['TIMESTAMP', "TIMESTAMPTZ '2024-02-29 12:34:56+02'", '2024-02-29T10:34:56Z'],
    ['TIMESTAMP_SEC', "TIMESTAMP '2024-02-29 12:34:56'", '2024-02-29T12:34:56Z'],
    ['BLOB', "'\\xAA\\x00'::BLOB", Buffer.from([0xaa, 0]).toString('base64')],
    ['UUID', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['DOUBLE[]', '[1.5::DOUBLE, NULL]', [1.5, null]],
    ['DOUBLE[2]', '[1.5, 2]::DOUBLE[2]', [1.5, 2]],
    ['INT64[]', '[1::SMALLINT, NULL]', [1, null]],
    ['STRUCT(a BLOB, b DATE)', "{a: '\\xAA'::BLOB, b: DATE '2024-02-29'}", { a: 'qg==', b: '2024-02-29' }],
    ['MAP(STRING, DOUBLE)', "MAP {'a': 1.5::DOUBLE}", [['a', 1.5]]],
  ])('from Parquet: %s of %s', async (type, sql, answered) => {
    await using staging = await withColumn(type);
    const file = await staging.parquet('t.parquet', `SELECT 1::BIGINT AS id, ${sql} AS v UNION ALL SELECT 2, NULL`);
    expect(await roundTrip(staging, file)).toEqual([answered, null]);
  });
});

describe('a value that would be lost is refused', () => {
  test.each<[type: string, ...values: string[]]>([
    ['BOOL', 'maybe'],
    ['INT8', '128', '1.5', '15e-1', 'x'],
    ['INT64', '9223372036854775808', '1.0000000001'],
    ['UINT64', '-1', '18446744073709551616'],
    ['INT128', '170141183460469231731687303715884105728', '-170141183460469231731687303715884105728', '0.5'],
    ['FLOAT', 'NaN', '1e39', 'x'],
    ['DOUBLE', 'nan', '1e309', '1'.repeat(310)],
    ['DECIMAL(10, 2)', '0.001', '123456789.00', '1e-3', 'x'],
    ['DATE', '2024-02-30', '2024-02-29T00:00:01', 'infinity', '29/02/2024'],
    ['TIMESTAMP', '2024-02-29T12:34:56.1234567Z', '2024-02-29T25:00:00Z', 'infinity'],
    ['TIMESTAMP_MS', '2024-02-29T12:34:56.1234Z'],
    ['TIMESTAMP_SEC', '2024-02-29T12:34:56.1Z'],
    ['TIMESTAMP_TZ', '2024-02-29T12:34:56.1234567Z'],
    ['INTERVAL', 'x', 'PT0.0000001S', 'PT-5S', 'P1M-3D'],
    ['UUID', 'a0eebc99'],
    ['BLOB', '***'],
    ['INT64[]', '[1.5]', '["x"]', '{"a": 1}', '1', '[1,'],
    ['DOUBLE[2]', '[1]', '[1, 2, 3]', '["NaN", 1]'],
    ['STRUCT(a INT64)', '{"b": 1}', '{"a": "x"}'],
    ['MAP(INT64, INT64)', '{"x": 1}', '{"1": 1.5}'],
  ])('%s', async (type, ...values) => {
    await using staging = await withColumn(type);
    const csv = await staging.file(
      't.csv',
      `id,v\n${values.map((value, id) => `${id},${csvField(value)}`).join('\n')}\n`,
    );
    const failure = await staging.stage('T', [csv]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RowsRejected);
    expect(failure instanceof RowsRejected && failure.rejected.first.map(({ value }) => value)).toEqual(
      values.map((value) => value.slice(0, 200)),
    );
  });

  test('a NaN in Parquet, because the engine loses the values beside it', async () => {
    await using staging = await withColumn('DOUBLE');
    const file = await staging.parquet(
      't.parquet',
      `SELECT unnest([1::BIGINT, 2]) AS id, unnest([0.5, 'NaN'::DOUBLE]) AS v`,
    );
    await expect(staging.stage('T', [file])).rejects.toThrow(
      /1 of the rows for T can not be staged. The first: t.parquet, row 2: v "nan"/,
    );
  });

  test.each([
    'MAP(STRING, DECIMAL(10, 2))',
    'DECIMAL(10, 2)[][]',
    'STRUCT(a INTERVAL)[]',
    'STRUCT(a DECIMAL(10, 2)[])',
  ])('a type that the engine can not read from a file is refused by name: %s', async (type) => {
    await using staging = await withColumn(type);
    const csv = await staging.file('t.csv', 'id,v\n');
    await expect(staging.stage('T', [csv])).rejects.toThrow(
      `T.v: ${type} can not be staged: INT128, DECIMAL and INTERVAL can stand`,
    );
  });
});
