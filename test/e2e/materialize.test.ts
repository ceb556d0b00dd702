import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { operationIdFor } from '../../domain/identifier.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { newPartKey, publicationOn } from '../../domain/table/table.ts';
import { MAX_FILE_BYTES } from '../../domain/table/table-file.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { Tables } from '../../domain/table/tables.ts';
import { DuckDBSession, sqlText } from '../../instance/staging/duckdb-session.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';
import { Loading } from './staging.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);

const newGraph = async (request = companiesGraph()) => new Loading(client, (await client.createGraph(request)).graphId);

/** What a query makes, as a Parquet file. */
const parquetOf = async (query: string): Promise<Buffer> => {
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-parquet-'));
  try {
    await using duckdb = await DuckDBSession.open({ temporaryDirectory: directory });
    const file = join(directory, 'rows.parquet');
    await duckdb.run(`COPY (${query}) TO ${sqlText(file)} (FORMAT parquet)`);
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const companies = (from: number, to: number, employees = 1): string =>
  ['id,founded,revenue,employees', ...numbers(from, to).map((at) => `c${at},2001-02-03,1.5,${employees}`)].join('\n');
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

test('files of every format are staged, loaded and answer queries', async () => {
  const graph = await newGraph();
  const csv = await graph.upload('Company', 'rows.csv', 'id,founded,revenue,employees\n"a, ""é""",1999-12-31,0.5,\n');
  const gzip = await graph.upload('Company', 'rows.csv.gz', 'employees,id\n9007199254740993,b\n');
  const json = await graph.upload('Company', 'rows.json', JSON.stringify([{ id: 'c', revenue: 2.25 }]));
  const staged = await graph.stage('Company', { fileIds: [csv, gzip, json], mode: 'create' });
  expect(staged).toMatchObject({
    kind: 'table.create',
    status: 'succeeded',
    result: { table: 'Company', mode: 'create', version: 1, rows: 3, rejected: 0 },
  });
  const people = await graph.upload('Person', 'rows.ndjson.gz', '{"id":"p","born":"1980-01-02"}\n{"id":"q"}\n');
  expect(await graph.stage('Person', { fileIds: [people], mode: 'create' })).toMatchObject({ status: 'succeeded' });
  const owns = await graph.upload(
    'OWNS',
    'rows.parquet',
    await parquetOf(`SELECT 'b' AS "from", 'c' AS "to", 0.25 AS share`),
  );
  expect(await graph.stage('OWNS', { fileIds: [owns], mode: 'create' })).toMatchObject({ status: 'succeeded' });
  expect(await graph.freshness()).toMatchObject({ stale: true, snapshotVersion: 1 });
  expect((await client.call(graph.path(`/tables/Company/files/${csv}`))).body).toMatchObject({ state: 'staged' });

  const done = await graph.materialize();
  expect(done).toMatchObject({
    kind: 'graph.materialize',
    status: 'succeeded',
    result: {
      skipped: false,
      snapshotVersion: 2,
      rows: 6,
      rejected: 0,
      stale: false,
      report: null,
      tables: [
        { table: 'Company', kind: 'node', rows: 3, rejected: 0 },
        { table: 'Person', kind: 'node', rows: 2, rejected: 0 },
        { table: 'OWNS', kind: 'relationship', rows: 1, rejected: 0 },
      ],
    },
  });
  const percents = done.events.map(({ percent }) => percent);
  expect(percents).toEqual([...percents].sort((left, right) => left - right));
  expect(await graph.freshness()).toMatchObject({ stale: false, staleSince: null, snapshotVersion: 2 });
  // The first entity's table was staged: it is what was staged, and no more.
  expect(await graph.rows('MATCH (c:Company) RETURN c.id, c.founded, c.revenue, c.employees ORDER BY c.id')).toEqual([
    ['a, "é"', '1999-12-31', 0.5, null],
    ['b', null, null, '9007199254740993'],
    ['c', null, 2.25, null],
  ]);
  expect(await graph.rows('MATCH (a)-[o:OWNS]->(b) RETURN a.id, o.share, b.id')).toEqual([['b', 0.25, 'c']]);
});

describe('a staging', () => {
  test('that inserts adds to what is there, one that creates replaces it', async () => {
    const graph = await newGraph();
    await graph.stageRows('Company', companies(0, 2));
    const inserted = await graph.stageRows('Company', companies(2, 5), 'insert');
    expect(inserted).toMatchObject({ kind: 'table.insert', result: { mode: 'insert', version: 2, rows: 5 } });
    const again = await graph.stageRows('Company', companies(4, 6), 'insert');
    expect(again).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } });
    expect(await graph.stageRows('Company', companies(9, 10))).toMatchObject({ result: { version: 3, rows: 1 } });
    // Of what was replaced nothing is left, nor of what failed.
    expect(await stores.objects.list(`graphs/${graph.graphId}/tables/Company/`)).toHaveLength(1);
  });

  test('tells a bad row with its file, line, column and value, or leaves it out if that was asked for', async () => {
    const graph = await newGraph();
    const fileIds = [
      await graph.upload('Company', 'good.csv', 'id,employees\nx,1\n'),
      await graph.upload('Company', 'bad.csv', 'id,employees\ny,2\nz,many\n'),
    ];
    const failed = await graph.stage('Company', { fileIds, mode: 'create' });
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } });
    for (const part of ['bad.csv', 'line 3', 'employees', 'many']) expect(failed.error?.message).toContain(part);
    const row = { file: 'bad.csv', line: 3, column: 'employees', value: 'many' };
    expect(failed.events.map(({ detail }) => detail)).toContainEqual(
      expect.objectContaining({ rejected: 1, rejectedRows: [expect.objectContaining(row)] }),
    );
    expect((await client.call(graph.path('/tables/Company'))).body).toMatchObject({
      state: 'empty',
      operationId: null,
    });

    const partial = await graph.stage('Company', { fileIds, mode: 'create', ignoreErrors: true });
    expect(partial).toMatchObject({ status: 'partial', result: { rows: 2, rejected: 1, rejectedRows: [row] } });
  });

  test('is refused while another stages the table, and of several at once one is taken', async () => {
    const graph = await newGraph();
    const fileId = await graph.upload('Company', 'rows.csv', companies(0, 2));
    const asked = await Promise.all(
      [1, 2, 3, 4].map(() => graph.askToStage('Company', { fileIds: [fileId], mode: 'create' })),
    );
    const taken = asked.filter(({ status }) => status === 202);
    expect(taken).toHaveLength(1);
    const [first] = taken;
    for (const { status, body } of asked.filter((answer) => answer !== first))
      expect({ status, body }).toMatchObject({
        status: 409,
        body: { code: 'conflict', operationId: first?.body['operationId'] },
      });
    if (first !== undefined) expect(await graph.ended(first)).toMatchObject({ status: 'succeeded' });
  });

  test('of what can not be staged is refused before it begins', async () => {
    const graph = await newGraph();
    const fileId = await graph.upload('Company', 'rows.csv', companies(0, 2));
    const missing = (await client.call(graph.path('/tables/Company/files'), { body: { fileName: 'a.csv', bytes: 9 } }))
      .body;
    const large = await Promise.all(
      numbers(0, 5).map(async () => {
        const file = { fileName: 'a.csv', bytes: MAX_FILE_BYTES };
        return (await client.call(graph.path('/tables/Company/files'), { body: file })).body['fileId'];
      }),
    );
    const refused = [
      [{ fileIds: [fileId], mode: 'upsert' }, 400, 'invalid_request'],
      [{ fileIds: [], mode: 'create' }, 400, 'invalid_request'],
      [{ fileIds: [fileId, fileId], mode: 'create' }, 400, 'invalid_request'],
      [{ fileIds: [`file_${'0'.repeat(26)}`], mode: 'create' }, 404, 'not_found'],
      [{ fileIds: [missing['fileId']], mode: 'create' }, 409, 'conflict'],
      [{ fileIds: large, mode: 'create' }, 413, 'too_large'],
    ] as const;
    for (const [body, status, code] of refused)
      expect(await graph.askToStage('Company', body)).toMatchObject({ status, body: { code } });
    expect(await graph.askToStage('Nothing', { fileIds: [fileId], mode: 'create' })).toMatchObject({ status: 404 });
    const token = client.target.tokens.otherTenant;
    const call = { token, body: { fileIds: [fileId], mode: 'create' } };
    expect(await client.call(graph.path('/tables/Company/stage'), call)).toMatchObject({ status: 404 });
    expect(await client.call(graph.path('/materializations'), { token, body: {} })).toMatchObject({ status: 404 });
  });
});

describe('a materialization', () => {
  let graph: Loading;
  beforeAll(async () => {
    graph = await newGraph();
    await graph.stageRows('Company', companies(0, 3));
    await graph.stageRows('OWNS', 'from,to,share\nc0,c1,0.5\n');
    expect(await graph.materialize()).toMatchObject({ status: 'succeeded' });
  });

  test('of a fresh graph is skipped, unless it is forced', async () => {
    const { snapshotVersion } = await graph.freshness();
    const skipped = await graph.materialize();
    expect(skipped).toMatchObject({ status: 'succeeded', result: { skipped: true, stale: false, snapshotVersion } });
    for (const [at, how] of [{ force: true }, { rebuild: true }].entries())
      expect(await graph.materialize(how)).toMatchObject({
        status: 'succeeded',
        result: { skipped: false, snapshotVersion: (snapshotVersion as number) + at + 1 },
      });
    expect(await graph.rows('MATCH (c:Company) RETURN count(*)')).toEqual([[3]]);
    // The version before is kept until the next, and no other.
    expect(await stores.objects.list(`graphs/${graph.graphId}/snapshots/`)).toHaveLength(2);
  });

  test('that is only tried tells the plan in order, and does and claims nothing', async () => {
    const plan = await graph.askToMaterialize({ dryRun: true });
    expect(plan).toMatchObject({
      status: 200,
      body: {
        stale: false,
        wouldSkip: true,
        rows: 4,
        limits: { ...TABLE_LIMITS.standard },
        tables: [
          { table: 'Company', kind: 'node', rows: 3 },
          { table: 'OWNS', kind: 'relationship', rows: 1 },
        ],
      },
    });
    expect((await graph.askToMaterialize({ dryRun: true, force: true })).body).toMatchObject({ wouldSkip: false });
    expect((await stores.graphs.get(graph.graphId))?.writer).toBeNull();
    expect((await stores.leases.get('inst-standard-1'))?.busyCount).toBeTypeOf('number');
  });

  test('of some tables leaves the others as the snapshot has them', async () => {
    const own = await newGraph();
    await own.stageRows('Company', companies(0, 2, 1));
    await own.stageRows('Person', 'id\np\n');
    await own.materialize();
    await own.stageRows('Company', companies(0, 5, 2));
    await own.stageRows('Person', 'id\np\nq\n');
    expect(await own.materialize({ tables: ['Person'] })).toMatchObject({
      status: 'succeeded',
      result: { stale: true },
    });
    expect(await own.rows('MATCH (c:Company) RETURN c.employees, count(*)')).toEqual([[1, 2]]);
    expect(await own.rows('MATCH (p:Person) RETURN count(*)')).toEqual([[2]]);
    expect(await own.freshness()).toMatchObject({ stale: true, reason: 'Staged since the snapshot: Company.' });
    expect(await own.materialize({ tables: ['Person'] })).toMatchObject({ result: { skipped: true, stale: true } });
    expect(await own.materialize()).toMatchObject({ result: { stale: false } });
    expect(await own.rows('MATCH (c:Company) RETURN c.employees, count(*)')).toEqual([[2, 5]]);
  });

  test('keeps the first entity as long as its table is not staged, and relationships lead to it', async () => {
    const own = await newGraph();
    await own.stageRows('Person', 'id\np\n');
    await own.stageRows('WORKS_AT', 'from,to,since\np,acme,2020-01-01\np,nobody,2020-01-01\n');
    expect(await own.materialize()).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } });
    expect(await own.materialize({ ignoreErrors: true })).toMatchObject({ status: 'partial', result: { rejected: 1 } });
    expect(await own.rows('MATCH (p:Person)-[:WORKS_AT]->(c:Company) RETURN p.id, c.id, c.employees')).toEqual([
      ['p', 'acme', '9007199254740993'],
    ]);
  });

  test('with rows that the graph can not have fails, or leaves them out and tells which', async () => {
    const own = await newGraph();
    await own.stageRows('Company', companies(0, 2));
    await own.stageRows('OWNS', 'from,to,share\nc0,c1,0.5\nc0,c7,0.5\nc8,c1,0.5\n');
    const failed = await own.materialize();
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } });
    expect(failed.error?.message).toContain('OWNS, row 2');
    expect(await own.rows('MATCH (c:Company) RETURN c.id')).toEqual([['acme']]);
    const none = await client.call(own.path(`/materializations/${failed.operationId}/report`));
    expect(none).toMatchObject({ status: 404, body: { code: 'not_found' } });

    const partial = await own.materialize({ ignoreErrors: true });
    expect(partial).toMatchObject({ status: 'partial', result: { rows: 3, rejected: 2, snapshotVersion: 2 } });
    expect(await own.rows('MATCH ()-[o:OWNS]->() RETURN count(o)')).toEqual([[1]]);
    const report = await client.call(partial.result?.['report'] as string);
    expect(report).toMatchObject({ status: 200 });
    const lines = (await (await fetch(report.body['url'] as string)).text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { table: 'OWNS', row: 2, reason: 'to c7 is not the key of any Company' },
      { table: 'OWNS', row: 3, reason: 'from c8 is not the key of any Company' },
    ]);
    const token = client.target.tokens.otherTenant;
    expect((await client.call(partial.result?.['report'] as string, { token })).status).toBe(404);
  });

  test('is refused for tables that are not there, and for more rows than the tier takes', async () => {
    for (const body of [{ tables: ['Nothing'] }, { tables: [] }, { rebuild: true, tables: ['Company'] }, { force: 1 }])
      expect(await graph.askToMaterialize(body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const own = await newGraph();
    const tables = new Tables(stores.tables, new OperationLog(stores.operations));
    const operationId = operationIdFor('acme', undefined);
    const before = await tables.claim(own.graphId, 'Company', operationId);
    const rows = TABLE_LIMITS.standard.rowsPerTable + 1;
    const parts = [{ key: newPartKey(before), rows, bytes: 1, checksum: 'c' }];
    const publication = publicationOn(before, { operationId, mode: 'create', parts });
    await tables.publish(own.graphId, 'Company', publication, new Date().toISOString());
    for (const body of [{}, { dryRun: true }])
      expect(await own.askToMaterialize(body)).toMatchObject({ status: 413, body: { code: 'too_large' } });
    expect((await stores.graphs.get(own.graphId))?.writer).toBeNull();
  });

  test('is the only one: of several at once one is taken, and the others are told which', async () => {
    const asked = await Promise.all([1, 2, 3, 4].map(() => graph.askToMaterialize({ force: true })));
    const taken = asked.filter(({ status }) => status === 202);
    expect(taken).toHaveLength(1);
    const [first] = taken;
    for (const { status, body } of asked.filter((answer) => answer !== first))
      expect({ status, body }).toMatchObject({
        status: 409,
        body: { code: 'conflict', operationId: first?.body['operationId'] },
      });
    if (first !== undefined) expect(await graph.ended(first)).toMatchObject({ status: 'succeeded' });
    expect((await stores.graphs.get(graph.graphId))?.writer).toBeNull();
  });

  test('of a plain graph without any rows makes an empty one when it is forced', async () => {
    const own = await newGraph(plainGraph() as ReturnType<typeof companiesGraph>);
    expect(await own.materialize()).toMatchObject({ result: { skipped: true } });
    expect(await own.materialize({ force: true })).toMatchObject({
      result: { snapshotVersion: 2, rows: 0, tables: [] },
    });
  });
});

describe('while a graph is loaded', () => {
  const MANY = 400_000;
  let graph: Loading;
  beforeAll(async () => {
    graph = await newGraph();
    await stageMany(1);
    expect(await graph.materialize()).toMatchObject({ status: 'succeeded' });
  });
  /** So many rows, each with the marker. */
  const stageMany = async (marker: number) => {
    const rows = await parquetOf(`SELECT 'c' || range AS id, ${marker}::BIGINT AS employees FROM range(${MANY})`);
    const fileId = await graph.upload('Company', 'rows.parquet', rows);
    expect(await graph.stage('Company', { fileIds: [fileId], mode: 'create' })).toMatchObject({ status: 'succeeded' });
  };

  test('queries never fail and never mix versions', async () => {
    await stageMany(2);
    const asked = await graph.askToMaterialize();
    let isOver = false;
    const ended = graph.ended(asked).finally(() => (isOver = true));
    const seen = new Set<number>();
    const ask = async () => {
      const rows = (await graph.rows('MATCH (c:Company) RETURN c.employees, count(*)')) as [number, number][];
      expect(rows.map(([, count]) => count)).toEqual([MANY]);
      for (const [marker] of rows) seen.add(marker);
    };
    // Two at a time, one after another: more than 20 a second where the machine lets them.
    const asking = async () => {
      while (!isOver) await ask();
    };
    await Promise.all([asking(), asking()]);
    expect(await ended).toMatchObject({ status: 'succeeded' });
    await ask();
    expect([...seen].sort()).toEqual([1, 2]);
  });

  test('what is staged leaves it stale', async () => {
    const asked = await graph.askToMaterialize({ force: true });
    const operationId = asked.body['operationId'] as string;
    // From then on the load has its rows.
    for (;;) {
      const { body } = await client.call(`/v1/operations/${operationId}/events?limit=1000`);
      const events = body['events'] as { step: string | null }[];
      if (events.some(({ step }) => step === 'loadGraph')) break;
    }
    expect(await graph.stageRows('Company', companies(0, 2))).toMatchObject({ status: 'succeeded' });
    expect(await graph.ended(asked)).toMatchObject({ status: 'succeeded' });
    expect(await graph.freshness()).toMatchObject({ stale: true, reason: 'Staged since the snapshot: Company.' });
    expect(await graph.rows('MATCH (c:Company) RETURN count(*)')).toEqual([[MANY]]);
  });
});
