import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../../domain/table/schema-table.ts';
import { openReadOnly } from '../../../instance/database/read-only-database.ts';
import { type ExportQuery, exportQuery } from '../../../instance/loading/export-query.ts';
import { exportTables } from '../../../instance/loading/export-tables.ts';
import { loadGraph } from '../../../instance/loading/load-graph.ts';
import { Staging } from '../staging/staging-fixture.ts';

/** Of each type a value that a careless way loses. */
const VALUES: [type: string, value: unknown][] = [
  ['STRING', 'a, "b"\n\'c\' \\ 北京 😀'],
  ['BOOL', false],
  ['INT8', -128],
  ['INT64', '9007199254740993'],
  ['INT128', '-170141183460469231731687303715884105727'],
  ['UINT32', 4_294_967_295],
  ['UINT64', '18446744073709551615'],
  ['FLOAT', '-Infinity'],
  ['DOUBLE', 0.1],
  ['DECIMAL(10, 2)', '-0.05'],
  ['DECIMAL(38, 10)', '-1234567890123456789012345678.0123456789'],
  ['DATE', '0001-01-01'],
  ['TIMESTAMP', '1969-12-31T23:59:59.999999Z'],
  ['TIMESTAMP_MS', '2024-02-29T12:34:56.123Z'],
  ['TIMESTAMP_SEC', '2024-02-29T12:34:56Z'],
  ['TIMESTAMP_TZ', '2024-02-29T12:34:56.123456+02:00'],
  ['INTERVAL', 'P1Y2M3DT4H5M6.000789S'],
  ['UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['BLOB', 'qgAnLEI='],
  ['INT64[]', [1, null, '9223372036854775807']],
  ['DOUBLE[3]', [1.5, 2.5, -3.5]],
  ['INT128[]', ['170141183460469231731687303715884105727', null]],
  ['DECIMAL(10, 2)[]', ['-0.05', null, '1.50']],
  ['STRUCT(a DECIMAL(10, 2), b INTERVAL)', { a: '-0.05', b: 'P1D' }],
  ['MAP(STRING, INT64)', { 'a=': 1, 'b, c': null }],
];
const SCHEMA = {
  nodes: [
    {
      name: 'Every',
      properties: [
        { name: 'id', type: 'INT64', primaryKey: true },
        ...VALUES.map(([type], at) => ({ name: `v${at}`, type, primaryKey: false })),
      ],
    },
    {
      name: 'Sale',
      properties: [
        { name: 'id', type: 'STRING', primaryKey: true },
        { name: 'amount', type: 'DECIMAL(10, 2)', primaryKey: false },
      ],
    },
  ],
};
const unstopped = new AbortController().signal;

let staging: Staging;
let graph: string;

beforeAll(async () => {
  staging = await Staging.open(SCHEMA);
  const row = Object.fromEntries([['id', 1], ...VALUES.map(([, value], at) => [`v${at}`, value])]);
  await staging.stage('Every', [await staging.file('every.ndjson', `${JSON.stringify(row)}\n{"id":2}\n`)]);
  await staging.stage('Sale', [await staging.file('sale.csv', 'id,amount\na,9.00\nb,10.00\nc,-0.05\nd,9.00\n')]);
  graph = staging.path('graph.lbug');
  const request = {
    schema: staging.schema,
    files: ['Every', 'Sale'].map((table) => ({ table, path: staging.path(`${table}.parquet`) })),
    limits: { rowsPerTable: 100, rows: 100, bytes: 1e6 },
    ignoreErrors: false,
    output: graph,
    report: staging.path('report.ndjson'),
  };
  await loadGraph(request, { temporaryDirectory: staging.directory });
});
afterAll(() => staging[Symbol.asyncDispose]());

type Options = Partial<Pick<ExportQuery, 'checkColumns' | 'timeoutMs'>> & {
  signal?: AbortSignal;
  parameters?: Record<string, string>;
  rows?: number;
  bytes?: number;
};

/** The rows of an answer, as its file has them. */
const exported = async (
  cypher: string,
  { rows = 100, bytes = 1e6, parameters = {}, checkColumns = () => {}, signal = unstopped, ...more }: Options = {},
): Promise<unknown[]> => {
  const output = staging.path('answer.ndjson');
  await rm(output, { force: true });
  const query = { cypher, parameters };
  const request = { file: graph, query, checkColumns, limits: { rows, bytes }, output, ...more };
  if ((await exportQuery(request, signal)) === 0) return [];
  return (await readFile(output, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
};

test('what is derived, by name or by a query, has every value as it was staged', async () => {
  // In JSON one number can be written in two ways.
  const rows = async () => JSON.parse(JSON.stringify(await staging.query('Every', 'FROM staged ORDER BY id'), texts));
  const texts = (_: string, value: unknown) => (typeof value === 'number' ? String(value) : value);
  const before = await rows();
  expect(before).toHaveLength(2);
  expect(Object.values(before[0])).not.toContain(null);

  const columns = VALUES.map((_, at) => `e.v${at} AS v${at}`);
  await exported(`MATCH (e:Every) RETURN ${[...columns, 'e.id AS id'].join(', ')}`);
  const { schema } = staging;
  const tables = tablesOf(schema).filter(({ name }) => name === 'Every');
  const directory = await mkdtemp(staging.path('export-'));
  const [copied] = await exportTables({ file: graph, schema, tables, directory }, unstopped);
  const copy = { ...staging.source('copy.parquet'), path: copied?.path ?? '' };
  for (const source of [staging.source('answer.ndjson'), copy]) {
    await staging.stage('Every', [source]);
    expect(await rows()).toEqual(before);
  }
});

describe('a query that is exported', () => {
  const amounts = 'MATCH (s:Sale) RETURN s.amount AS amount';

  test('is written with every row, also where rows are the same', async () => {
    expect(await exported(`${amounts} ORDER BY amount`)).toEqual(
      ['-0.05', '9.00', '9.00', '10.00'].map((amount) => ({ amount })),
    );
    expect(await exported('MATCH (s:Sale) UNWIND [1, 2] AS n RETURN s.id AS id')).toHaveLength(8);
    expect(await exported('MATCH (s:Sale), (t:Sale {id: "a"}) RETURN t.id AS id')).toHaveLength(4);
    expect(await exported('MATCH (s:Sale) RETURN 1 AS one LIMIT 3')).toEqual([{ one: 1 }, { one: 1 }, { one: 1 }]);
    const union = `MATCH (s:Sale {id: $id}) RETURN s.amount AS amount UNION ALL ${amounts}`;
    expect(await exported(union, { parameters: { id: 'b' } })).toHaveLength(5);
    expect(await exported('MATCH (s:Sale {id: "z"}) RETURN s.id AS id')).toEqual([]);
  });

  test('is refused beyond a limit, of rows before any is written', async () => {
    expect(await exported(amounts, { rows: 4 })).toHaveLength(4);
    await expect(exported(amounts, { rows: 3 })).rejects.toMatchObject({ code: 'too_large' });
    const long = 'MATCH (s:Sale), (t:Sale), (u:Sale) RETURN repeat("x", 2000) AS id';
    await expect(exported(long, { bytes: 10_000 })).rejects.toMatchObject({ code: 'too_large' });
  });

  test.each([
    ['CREATE (:Sale {id: "x"})', 'read_only'],
    ['MATCH (s:Sale) SET s.amount = 1 RETURN s.id AS id', 'read_only'],
    ['LOAD FROM "/etc/passwd" RETURN *', 'read_only'],
    ['MATCH (s:Sale) RETURN s.id AS id; MATCH (s) RETURN s', 'read_only'],
    ['MATCH (s:Sale) RETURN s', 'query_failed'],
    ['MATCH (s:Sale) RETURN id(s) AS id', 'query_failed'],
    ['MATCH (s:Nothing) RETURN s.id AS id', 'query_failed'],
    ['MATCH (s:Sale {id: $id}) RETURN s.id AS id', 'query_failed'],
  ])('is refused when it is %s', async (cypher, code) => {
    await expect(exported(cypher)).rejects.toMatchObject({ name: 'Refusal', code });
  });

  const names = 'abcdefghijkl'.split('');
  const all = names.map((name) => `(${name}:Sale)`).join(', ');
  const endless = `MATCH ${all} WHERE ${names.map((name) => `${name}.id`).join(' + ')} = 'none' RETURN a.id AS id`;

  test('ends with its time', async () => {
    await expect(exported(endless, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'query_timeout' });
  });

  test('ends with the job, once the engine has answered', async () => {
    const job = new AbortController();
    const checkColumns = () => job.abort(new Error('Stopped'));
    await expect(exported(amounts, { checkColumns, signal: job.signal })).rejects.toThrow('Stopped');
  });

  test('waits for no other of its instance, but for its like, which takes none of its time', async () => {
    const database = await openReadOnly(graph);
    const asked = [1, 2, 3].map(() => database.query({ cypher: endless, limit: 1, timeoutMs: 2_000 }));
    const ended = Promise.allSettled(asked);
    try {
      expect(await exported(amounts, { timeoutMs: 3_000 })).toHaveLength(4);
    } finally {
      await ended;
      await database.close();
    }
    const before = exported(endless, { timeoutMs: 1_000 });
    const after = exported(amounts, { timeoutMs: 900 });
    await expect(before).rejects.toMatchObject({ code: 'query_timeout' });
    expect(await after).toHaveLength(4);
  });
});
