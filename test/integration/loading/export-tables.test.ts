import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tablesOf } from '../../../domain/table/schema-table.ts';
import { openReadOnly } from '../../../instance/database/read-only-database.ts';
import { countTables, exportTables } from '../../../instance/loading/export-tables.ts';
import { loadGraph } from '../../../instance/loading/load-graph.ts';
import type { StagedFile } from '../../../instance/loading/load-plan.ts';
import { sqlText } from '../../../instance/staging/duckdb-session.ts';
import { Staging } from '../staging/staging-fixture.ts';

const key = (type: string) => [{ name: 'id', type, primaryKey: true }];
const SCHEMA = {
  nodes: [
    { name: 'Big', properties: key('INT128') },
    { name: 'Day', properties: [{ name: 'at', type: 'DATE', primaryKey: true }] },
    { name: 'Empty', properties: key('STRING') },
  ],
  relationships: [
    { name: 'ON', from: 'Big', to: 'Day', properties: [{ name: 'share', type: 'DECIMAL(10, 2)' }] },
    { name: 'NEXT', from: 'Big', to: 'Big', properties: [] },
    { name: 'NEVER', from: 'Empty', to: 'Day', properties: [] },
  ],
};
const noSignal = new AbortController().signal;
const HUGE = '170141183460469231731687303715884105727';

const load = async (staging: Staging, files: StagedFile[], output: string, rows = 100) =>
  loadGraph(
    {
      schema: staging.schema,
      files,
      limits: { rowsPerTable: rows, rows, bytes: 1e6 },
      ignoreErrors: false,
      output,
      report: staging.path('report.ndjson'),
    },
    { temporaryDirectory: staging.directory },
  );

const answers = async (file: string): Promise<unknown> => {
  const database = await openReadOnly(file);
  const ask = async (cypher: string) =>
    Array.fromAsync((await database.query({ cypher, limit: 100, timeoutMs: 10_000 })).rows());
  try {
    return [
      await ask('MATCH (b:Big)-[o:`ON`]->(d:Day) RETURN b.id, o.share, d.at ORDER BY d.at'),
      await ask('MATCH (a:Big)-[:`NEXT`]->(b:Big) RETURN a.id, b.id ORDER BY a.id'),
    ];
  } finally {
    await database.close();
  }
};

test('relationships come through with the keys of their nodes, whatever types these have, and empty tables are told', async () => {
  await using staging = await Staging.open(SCHEMA);
  const rows: Record<string, string> = {
    Big: `id\n1\n${HUGE}\n-2\n`,
    Day: 'at\n2024-02-29\n0001-01-01\n',
    ON: `from,to,share\n${HUGE},2024-02-29,-0.05\n1,0001-01-01,\n${HUGE},2024-02-29,7\n`,
    NEXT: `from,to\n1,${HUGE}\n-2,-2\n`,
  };
  const files: StagedFile[] = [];
  for (const [table, content] of Object.entries(rows)) {
    await staging.stage(table, [await staging.file(`${table}.csv`, content)]);
    files.push({ table, path: staging.path(`${table}.parquet`) });
  }
  const graph = staging.path('graph.lbug');
  await load(staging, files, graph);

  const { schema } = staging;
  const directory = await mkdtemp(staging.path('export-'));
  const tables = tablesOf(schema);
  const told: [string, number, number][] = [];
  const exported = await exportTables(
    { file: graph, schema, tables, directory, chunkRows: 1 },
    noSignal,
    ({ table, rowsDone, rowsTotal }) => told.push([table, rowsDone, rowsTotal]),
  );
  // A chunk of nodes, or of the nodes that relationships lead from, at a time; some lead from none of them.
  expect(told.filter(([table]) => table === 'Big')).toEqual([1, 2, 3].map((rows) => ['Big', rows, 3]));
  expect(told).toContainEqual(['ON', 3, 3]);
  expect(told).toContainEqual(['NEXT', 2, 2]);
  expect(exported.map(({ table, rows: count }) => [table, count])).toEqual([
    ['Big', 3],
    ['Day', 2],
    ['Empty', 0],
    ['ON', 3],
    ['NEXT', 2],
    ['NEVER', 0],
  ]);
  expect(await countTables({ file: graph, schema, tables })).toEqual(exported.map(({ rows: count }) => count));
  const again = join(directory, 'again.lbug');
  await load(
    staging,
    exported.flatMap(({ table, path }) => (path === null ? [] : [{ table, path }])),
    again,
  );
  expect(await answers(again)).toEqual(await answers(graph));
});

test('relationships that are the same in every column are all there, each of them', async () => {
  await using staging = await Staging.open(SCHEMA);
  const times = (count: number, line: string) => `${line}\n`.repeat(count);
  const rows: Record<string, string> = {
    Big: 'id\n1\n2\n3\n',
    Day: 'at\n2024-02-29\n',
    ON: `from,to,share\n${times(5, '1,2024-02-29,')}${times(4, '2,2024-02-29,7')}`,
    NEXT: `from,to\n${times(200, '1,2')}${times(3, '2,2')}${times(2, '3,1')}`,
  };
  const files: StagedFile[] = [];
  for (const [table, content] of Object.entries(rows)) {
    await staging.stage(table, [await staging.file(`${table}.csv`, content)]);
    files.push({ table, path: staging.path(`${table}.parquet`) });
  }
  const graph = staging.path('graph.lbug');
  await load(staging, files, graph, 1_000);

  const { schema } = staging;
  const tables = tablesOf(schema).filter(({ name }) => ['ON', 'NEXT'].includes(name));
  for (const chunkRows of [1_000_000, 1]) {
    const directory = await mkdtemp(staging.path('export-'));
    const exported = await exportTables({ file: graph, schema, tables, directory, chunkRows }, noSignal);
    await using duckdb = await staging.duckdb();
    const written = await Promise.all(
      exported.map(({ path }) =>
        duckdb.rows(
          `SELECT "from"::VARCHAR AS start, "to"::VARCHAR AS finish, count(*)::INTEGER AS many FROM read_parquet(${sqlText(path ?? '')}) GROUP BY ALL ORDER BY start`,
        ),
      ),
    );
    expect(written).toEqual([
      [
        { start: '1', finish: '2024-02-29', many: 5 },
        { start: '2', finish: '2024-02-29', many: 4 },
      ],
      [
        { start: '1', finish: '2', many: 200 },
        { start: '2', finish: '2', many: 3 },
        { start: '3', finish: '1', many: 2 },
      ],
    ]);
  }
});

test('an export that is stopped says why', async () => {
  await using staging = await Staging.open(SCHEMA);
  const graph = staging.path('graph.lbug');
  await load(staging, [], graph);
  const { schema, directory } = staging;
  const stopped = AbortSignal.abort(new Error('Stopped'));
  await expect(exportTables({ file: graph, schema, tables: tablesOf(schema), directory }, stopped)).rejects.toThrow(
    'Stopped',
  );
});
