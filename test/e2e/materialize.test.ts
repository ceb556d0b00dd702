import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { operationIdFor } from '../../domain/identifier.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { newPartKey } from '../../domain/table/table.ts';
import { MAX_FILE_BYTES } from '../../domain/table/table-file.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { Tables } from '../../domain/table/tables.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { parquetOf } from '../fixtures/parquet.ts';
import { publicationOn } from '../fixtures/publications.ts';
import { Client } from './client.ts';
import { Loading } from './staging.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);

const newGraph = async (request = companiesGraph()) => new Loading(client, (await client.createGraph(request)).graphId);

/** The claim of a materialization ends a little after its operation. */
const expectReleased = ({ graphId }: Loading) =>
  expect.poll(async () => (await stores.graphs.get(graphId))?.writer, { timeout: 20_000 }).toBeNull();

const companies = (from: number, to: number, employees = 1): string =>
  ['id,founded,revenue,employees', ...numbers(from, to).map((at) => `c${at},2001-02-03,1.5,${employees}`)].join('\n');
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

test('files of every format are staged, loaded and answer queries', async () => {
  const graph = await newGraph();
  const csv = await graph.upload('Company', 'rows.csv', 'id,founded,revenue,employees\n"a, ""é""",1999-12-31,0.5,\n');
  const gzip = await graph.upload('Company', 'rows.csv.gz', 'employees,id\n9007199254740993,b\n');
  const json = await graph.upload('Company', 'rows.json', JSON.stringify([{ id: 'c', revenue: 2.25 }]));
  const jsonGzip = await graph.upload('Company', 'rows.json.gz', JSON.stringify([{ id: 'd', founded: '2000-01-01' }]));
  const ndjson = await graph.upload('Company', 'rows.ndjson', '{"id":"e"}\n{"id":"f","revenue":-1}\n');
  const staged = await graph.stage('Company', { fileIds: [csv, gzip, json, jsonGzip, ndjson], mode: 'create' });
  expect(staged).toMatchObject({
    kind: 'table.create',
    status: 'succeeded',
    result: { table: 'Company', mode: 'create', version: 1, rows: 6, rejected: 0 },
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
      rows: 9,
      rejected: 0,
      stale: false,
      report: null,
      tables: [
        { table: 'Company', kind: 'node', rows: 6, rejected: 0 },
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
    ['d', '2000-01-01', null, null],
    ['e', null, null, null],
    ['f', null, -1, null],
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
    await expectReleased(graph);
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
    await expectReleased(graph);
  });

  test('that is asked for again with its Idempotency-Key is the same, and another graph’s is refused', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const ask = (of: Loading) => client.call(of.path('/materializations'), { body: { force: true }, headers });
    const [first, again] = await Promise.all([ask(graph), ask(graph)]);
    expect(again.body).toEqual(first.body);
    const other = await newGraph();
    expect(await ask(other)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect((await stores.graphs.get(other.graphId))?.writer).toBeNull();
    expect(await graph.ended(first)).toMatchObject({ status: 'succeeded' });
    expect((await ask(graph)).body).toEqual(first.body);
    await expectReleased(graph);
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
    await stageMarked(1);
    expect(await graph.materialize()).toMatchObject({ status: 'succeeded' });
  });
  /** Rows of two tables with the same marker. */
  const stageMarked = async (marker: number) => {
    await graph.stageRows('Person', `id,born\np,200${marker}-01-01\n`);
    await stageMany(marker);
  };
  /** So many rows, each with the marker. */
  const stageMany = async (marker: number) => {
    const rows = await parquetOf(`SELECT 'c' || range AS id, ${marker}::BIGINT AS employees FROM range(${MANY})`);
    const fileId = await graph.upload('Company', 'rows.parquet', rows);
    expect(await graph.stage('Company', { fileIds: [fileId], mode: 'create' })).toMatchObject({ status: 'succeeded' });
  };

  test('20 queries a second never fail and never mix versions, over several rebuilds', async () => {
    const seen = new Set<number>();
    /** One row of each table, and each tenth time all rows: whatever is answered is of one version. */
    const ask = async (number: number) => {
      const company = number % 10 === 0 ? '(c:Company)' : "(c:Company {id: 'c7'})";
      const rows = await graph.rows(`MATCH (p:Person), ${company} RETURN p.born, c.employees, count(*)`);
      const [[, marker] = []] = rows as [string, number, number][];
      expect(rows).toEqual([[`200${marker}-01-01`, marker, number % 10 === 0 ? MANY : 1]]);
      seen.add(marker ?? 0);
    };
    for (const marker of [2, 3, 4]) {
      await stageMarked(marker);
      const asking: Promise<void>[] = [];
      // None waits for the one before.
      const queries = setInterval(() => asking.push(ask(asking.length)), 50);
      const ended = await graph.materialize().finally(() => clearInterval(queries));
      expect(ended).toMatchObject({ status: 'succeeded' });
      await Promise.all(asking);
      await ask(0);
    }
    expect([...seen].sort()).toEqual([1, 2, 3, 4]);
  });

  test('cancelling leaves what was there, and nothing of the load', async () => {
    const MARKED = 'MATCH (c:Company) RETURN c.employees, count(*)';
    const rows = await graph.rows(MARKED);
    await expectReleased(graph);
    const before = await stores.graphs.get(graph.graphId);
    const files = await stores.objects.list(`graphs/${graph.graphId}/`);
    const asked = await graph.askToMaterialize({ force: true });
    const operation = `/v1/operations/${asked.body['operationId'] as string}`;
    await untilLoading(operation);
    expect((await client.call(operation, { method: 'DELETE' })).status).toBe(202);
    expect(await graph.ended(asked)).toMatchObject({ status: 'cancelled', error: null });
    expect(await stores.graphs.get(graph.graphId)).toEqual(before);
    expect(await stores.objects.list(`graphs/${graph.graphId}/`)).toEqual(files);
    const { leases = {} } = (await stores.leases.get(before?.placement ?? '')) ?? {};
    expect(Object.keys(leases)).not.toContainEqual(expect.stringContaining(asked.body['operationId'] as string));
    expect(await graph.rows(MARKED)).toEqual(rows);
    expect(await graph.materialize({ force: true })).toMatchObject({ status: 'succeeded' });
  });

  /** From then on the load has its rows. */
  const untilLoading = async (operation: string) => {
    for (;;) {
      const { body } = await client.call(`${operation}/events?limit=1000`);
      if ((body['events'] as { step: string | null }[]).some(({ step }) => step === 'loadGraph')) return;
    }
  };

  test('what is staged leaves it stale', async () => {
    const asked = await graph.askToMaterialize({ force: true });
    await untilLoading(`/v1/operations/${asked.body['operationId'] as string}`);
    expect(await graph.stageRows('Company', companies(0, 2))).toMatchObject({ status: 'succeeded' });
    expect(await graph.ended(asked)).toMatchObject({ status: 'succeeded' });
    expect(await graph.freshness()).toMatchObject({ stale: true, reason: 'Staged since the snapshot: Company.' });
    expect(await graph.rows('MATCH (c:Company) RETURN count(*)')).toEqual([[MANY]]);
  });
});
