import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Refusal, Terminal } from '../../../domain/failure.ts';
import { Engine } from '../../../instance/database/engine.ts';
import { type LoadGraph, type LoadProgress, loadGraph, planLoad } from '../../../instance/loading/load-graph.ts';
import { planSteps } from '../../../instance/loading/load-plan.ts';
import { Staging } from '../staging/staging-fixture.ts';

const TABLES = {
  nodes: [
    {
      name: 'Person',
      properties: [
        { name: 'id', type: 'INT64', primaryKey: true },
        { name: 'name', type: 'STRING', primaryKey: false },
      ],
    },
    { name: 'City', properties: [{ name: 'code', type: 'STRING', primaryKey: true }] },
  ],
  relationships: [
    { name: 'KNOWS', from: 'Person', to: 'Person', properties: [{ name: 'weight', type: 'DOUBLE' }] },
    { name: 'LIVES_IN', from: 'Person', to: 'City', properties: [] },
  ],
};
const LIMITS = { rowsPerTable: 1e6, rows: 1e6, bytes: 1e9 };

const request = (staging: Staging, tables: string[], more: Partial<LoadGraph> = {}): LoadGraph => ({
  schema: staging.schema,
  files: tables.map((table) => ({ table, path: staging.path(`${table}.parquet`) })),
  limits: LIMITS,
  ignoreErrors: false,
  output: staging.path('graph.lbug'),
  report: staging.path('report.ndjson'),
  ...more,
});

const load = (
  staging: Staging,
  tables: string[],
  more: Partial<LoadGraph> = {},
  onProgress?: (progress: LoadProgress) => void,
) => loadGraph(request(staging, tables, more), { temporaryDirectory: staging.directory }, onProgress);

/** People 1 to `people`, each of whom knows the next two. */
const stageRing = async (staging: Staging, people: number) => {
  await staging.stage('Person', [
    await staging.parquet('p.parquet', `SELECT range AS id, 'n' || range AS name FROM range(1, ${people + 1})`),
  ]);
  const ends = `SELECT range AS "from", (range + step - 1) % ${people} + 1 AS "to", step / 2 AS weight`;
  await staging.stage('KNOWS', [
    await staging.parquet('k.parquet', `${ends} FROM range(1, ${people + 1}), (SELECT unnest([1, 2]) AS step)`),
  ]);
};

const ask = async (staging: Staging, cypher: string): Promise<unknown[]> => {
  const engine = await Engine.open(staging.path('graph.lbug'), { readOnly: true });
  try {
    const connection = await engine.connect();
    const result = await connection.execute(await connection.prepare(cypher), {});
    const rows: unknown[] = [];
    for (let row = result.next(); row !== null; row = result.next())
      rows.push(Object.values(row).map((value) => (typeof value === 'bigint' ? Number(value) : value)));
    result.close();
    await connection.close();
    return rows;
  } finally {
    await engine.close();
  }
};

describe('a load', () => {
  test('puts nodes before relationships, whatever the order of the files, and leaves one closed file', async () => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 1_000);
    const loaded = await load(staging, ['KNOWS', 'Person']);
    expect(loaded).toMatchObject({
      tables: [
        { table: 'Person', kind: 'node', rows: 1_000, rejected: 0 },
        { table: 'KNOWS', kind: 'relationship', rows: 2_000, rejected: 0 },
      ],
      rows: 3_000,
      rejected: 0,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await readdir(staging.directory)).filter((name) => !name.endsWith('.parquet'))).toEqual(['graph.lbug']);
    expect(
      await ask(
        staging,
        'MATCH (a:Person)-[k:KNOWS]->(b:Person) WHERE a.id = 1000 RETURN b.id, b.name, k.weight ORDER BY b.id',
      ),
    ).toEqual([
      [1, 'n1', 0.5],
      [2, 'n2', 1],
    ]);
  });

  test('goes in chunks, tells how far it is, and ends with the same graph', async () => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 1_000);
    const progress: LoadProgress[] = [];
    const chunkRows = { node: 300, relationship: 1_999 };
    const loaded = await load(staging, ['Person', 'KNOWS'], { chunkRows }, (step) => progress.push(step));
    expect(loaded.rows).toBe(3_000);
    for (const step of [
      ...[300, 600, 900, 1_000].map((rowsDone) => ({ table: 'Person', rowsDone, rowsTotal: 1_000 })),
      ...[1_999, 2_000].map((rowsDone) => ({ table: 'KNOWS', rowsDone, rowsTotal: 2_000 })),
    ])
      expect(progress).toContainEqual(step);
    const known = progress.filter(({ table }) => table === 'KNOWS').map(({ rowsDone }) => rowsDone);
    expect(known).toEqual([...known].sort((left, right) => left - right));
    expect(
      await ask(staging, 'MATCH (a:Person)-[k:KNOWS]->(b:Person) RETURN count(*), sum(b.id), sum(k.weight)'),
    ).toEqual([[2_000, 1_001_000, 1_500]]);
  });

  test('stops between chunks when it is told to, and leaves nothing', async () => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 1_000);
    const before = await readdir(staging.directory);
    const abort = new AbortController();
    const stop = ({ rowsDone }: LoadProgress) => {
      if (rowsDone >= 300) abort.abort(new Refusal('operation_over', 'The job was stopped.'));
    };
    const chunked = request(staging, ['Person', 'KNOWS'], { chunkRows: { node: 300, relationship: 300 } });
    await expect(
      loadGraph(chunked, { temporaryDirectory: staging.directory, signal: abort.signal }, stop),
    ).rejects.toThrow('The job was stopped.');
    expect(await readdir(staging.directory)).toEqual(before);
  });

  test('takes smaller chunks when one does not fit into the buffer pool', async () => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 100_000);
    const progress: LoadProgress[] = [];
    const bufferPoolsBytes = [16 * 2 ** 20];
    const loaded = await load(staging, ['Person', 'KNOWS'], { bufferPoolsBytes }, (step) => progress.push(step));
    expect(loaded.tables.map(({ rows }) => rows)).toEqual([100_000, 200_000]);
    // The half that was loaded by itself.
    expect(progress).toContainEqual({ table: 'KNOWS', rowsDone: 100_000, rowsTotal: 200_000 });
    expect(await ask(staging, 'MATCH (:Person)-[:KNOWS]->(b:Person) RETURN count(*), sum(b.id)')).toEqual([
      [200_000, 10_000_100_000],
    ]);
  }, 90_000);
});

describe('the memory of a load', () => {
  test('is the next buffer pool when one is too small for the least chunk', async () => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 4_000);
    const [small, enough] = [2 ** 20, 64 * 2 ** 20] as const;
    await expect(load(staging, ['Person', 'KNOWS'], { bufferPoolsBytes: [small] })).rejects.toMatchObject({
      code: 'unavailable',
    });
    const loaded = await load(staging, ['Person', 'KNOWS'], { bufferPoolsBytes: [small, enough] });
    expect(loaded.tables.map(({ rows }) => rows)).toEqual([4_000, 8_000]);
  });

  test('is foreseen of keys and of texts of relationships, which the engine holds', async () => {
    await using staging = await Staging.open({
      ...TABLES,
      relationships: [{ name: 'KNOWS', from: 'Person', to: 'Person', properties: [{ name: 'note', type: 'STRING' }] }],
    });
    await staging.stage('Person', [
      await staging.parquet('p.parquet', `SELECT range AS id, repeat('n', 1000) AS name FROM range(1000)`),
    ]);
    await staging.stage('City', [
      await staging.parquet('c.parquet', `SELECT md5(range::VARCHAR) AS code FROM range(1000)`),
    ]);
    await staging.stage('KNOWS', [
      await staging.parquet(
        'k.parquet',
        `SELECT range AS "from", 1 AS "to", md5(range::VARCHAR) AS note FROM range(1000)`,
      ),
    ]);
    await using duckdb = await staging.duckdb();
    const files = ['Person', 'City', 'KNOWS'].map((table) => ({ table, path: staging.path(`${table}.parquet`) }));
    const held = (await planSteps(duckdb, staging.schema, files)).map(({ heldBytes }) =>
      Math.round(heldBytes / 10_000),
    );
    // 32 bytes of a whole number, 60 of a text of 32 characters, and three times such a text.
    expect(held).toEqual([3, 6, 11]);
  });
});

describe('rows that the graph can not have', () => {
  const stageWrong = async (staging: Staging) => {
    // Of two stagings: one of them would have refused the keys that are there twice.
    await staging.parquet(
      'Person.parquet',
      `SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, 'b'), (1, 'c'), (3, 'd'), (2, 'e')) AS t(id, name)`,
    );
    await staging.stage('City', [await staging.file('c.csv', 'code\nAAL\n"it\'s"\n')]);
    await staging.stage('KNOWS', [await staging.file('k.csv', 'from,to\n1,2\n1,99\n98,97\n3,1\n')]);
    await staging.stage('LIVES_IN', [await staging.file('l.csv', "from,to\n1,AAL\n2,it's\n2,nowhere\n")]);
  };
  const ALL = ['Person', 'City', 'KNOWS', 'LIVES_IN'];

  test('fail the load by table, row and reason', async () => {
    await using staging = await Staging.open(TABLES);
    await stageWrong(staging);
    const before = await readdir(staging.directory);
    await expect(load(staging, ALL)).rejects.toMatchObject({
      name: 'Terminal',
      code: 'invalid_request',
      message: 'Person, row 3: the key 1 is that of row 1.',
    });
    await staging.stage('Person', [await staging.file('p.csv', 'id\n1\n2\n3\n')]);
    await expect(load(staging, ALL)).rejects.toThrow(
      new Terminal('invalid_request', 'KNOWS, row 2: to 99 is not the key of any Person.'),
    );
    await expect(load(staging, ['KNOWS'])).rejects.toThrow('KNOWS, row 1: from 1 is not the key of any Person.');
    expect(await readdir(staging.directory)).toEqual([...before, 'p.csv'].sort());
  });

  test.each([[1], [2], [1_000]])(
    'with ignoreErrors are left out, counted and reported, in chunks of %i',
    async (rows) => {
      await using staging = await Staging.open(TABLES);
      await stageWrong(staging);
      const loaded = await load(staging, ALL, { ignoreErrors: true, chunkRows: { node: rows, relationship: rows } });
      expect(loaded).toMatchObject({
        tables: [
          { table: 'Person', rows: 3, rejected: 2 },
          { table: 'City', rows: 2, rejected: 0 },
          { table: 'KNOWS', rows: 2, rejected: 2 },
          { table: 'LIVES_IN', rows: 2, rejected: 1 },
        ],
        rows: 9,
        rejected: 5,
      });
      const report = await readFile(staging.path('report.ndjson'), 'utf8');
      const reported = report
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { table: string; row: number });
      expect(reported.sort((left, right) => left.table.localeCompare(right.table) || left.row - right.row)).toEqual([
        { table: 'KNOWS', row: 2, reason: 'to 99 is not the key of any Person' },
        { table: 'KNOWS', row: 3, reason: 'from 98 is not the key of any Person' },
        { table: 'LIVES_IN', row: 3, reason: 'to nowhere is not the key of any City' },
        { table: 'Person', row: 3, reason: 'the key 1 is that of row 1' },
        { table: 'Person', row: 5, reason: 'the key 2 is that of row 2' },
      ]);
      expect(await ask(staging, 'MATCH (p:Person) RETURN p.id, p.name ORDER BY p.id')).toEqual([
        [1, 'a'],
        [2, 'b'],
        [3, 'd'],
      ]);
      expect(await ask(staging, 'MATCH (a)-[:KNOWS]->(b) RETURN a.id, b.id ORDER BY a.id')).toEqual([
        [1, 2],
        [3, 1],
      ]);
    },
  );
});

describe('a plan', () => {
  test('tells order, rows, bytes and chunks, and does nothing', async () => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 1_000);
    const before = await readdir(staging.directory);
    const plan = await planLoad(
      request(staging, ['KNOWS', 'Person'], { chunkRows: { node: 400, relationship: 2_000 } }),
      {
        temporaryDirectory: staging.directory,
      },
    );
    expect(plan).toMatchObject({
      tables: [
        { table: 'Person', kind: 'node', rows: 1_000, chunks: 3 },
        { table: 'KNOWS', kind: 'relationship', rows: 2_000, chunks: 1 },
      ],
      rows: 3_000,
      limits: LIMITS,
    });
    expect(plan.bytes).toBeGreaterThan(1_000);
    expect(await readdir(staging.directory)).toEqual(before);
  });

  test.each([
    [{ ...LIMITS, rowsPerTable: 1_999 }, 'The table KNOWS has 2000 rows; the limit is 1999.'],
    [{ ...LIMITS, rows: 2_999 }, 'The tables have 3000 rows; the limit is 2999.'],
    [{ ...LIMITS, bytes: 10 }, /bytes; the limit is 10.$/],
  ])('refuses what is too large, as the load does before any work', async (limits, message) => {
    await using staging = await Staging.open(TABLES);
    await stageRing(staging, 1_000);
    const before = await readdir(staging.directory);
    const tooLarge = request(staging, ['Person', 'KNOWS'], { limits });
    await expect(planLoad(tooLarge, { temporaryDirectory: staging.directory })).rejects.toThrow(message);
    await expect(loadGraph(tooLarge, { temporaryDirectory: staging.directory })).rejects.toMatchObject({
      code: 'too_large',
    });
    expect(await readdir(staging.directory)).toEqual(before);
  });

  test('refuses rows that were staged for another schema, and tables that there are not', async () => {
    await using staging = await Staging.open(TABLES);
    await staging.parquet('Person.parquet', `SELECT 'x' AS name, 1 AS id`);
    await expect(load(staging, ['Person'])).rejects.toThrow(
      'The staged rows of Person have other columns than the schema.',
    );
    await expect(load(staging, ['Nobody'])).rejects.toMatchObject({ code: 'not_found' });
  });
});
