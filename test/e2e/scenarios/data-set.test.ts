import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DataSet, writeDataSet } from '../../../bench/data-set.ts';
import { DuckDBSession } from '../../../instance/staging/duckdb-session.ts';
import { ONE_STANDARD_INSTANCE, type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client } from '../client.ts';
import { type StagedTable, stageDataSet } from '../data-set-graph.ts';
import type { Loading } from '../staging.ts';

/** 100,250 nodes and 240,000 relationships; 800,000 people are 1,002,000 and 2,400,000: `npm run test:data-set`. */
const PEOPLE = Number(process.env['GRAPHFLEET_DATA_SET_PEOPLE'] ?? 80_000);
const SECONDS = 60 + PEOPLE / 2_000;

let directory: string;
let runtime: RuntimeProcess;
let duckdb: DuckDBSession;
let dataSet: DataSet;
let graph: Loading;
let staged: StagedTable[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-data-set-'));
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: ONE_STANDARD_INSTANCE });
  dataSet = await writeDataSet(directory, { people: PEOPLE, seed: 7 });
  ({ graph, staged } = await stageDataSet(new Client({ ...runtime, dataDirectory: directory }), dataSet));
  // The files themselves, read by nothing of ours.
  duckdb = await DuckDBSession.open({ temporaryDirectory: directory, memoryMebibytes: 1_024 });
  for (const { table, truth } of dataSet.tables) await duckdb.run(`CREATE TABLE ${table} AS ${truth}`);
}, SECONDS * 1_000);

afterAll(async () => {
  await duckdb?.[Symbol.asyncDispose]();
  await runtime?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** In the same words, of a number with three digits, a time with its zone, whatever either side writes. */
const asText = (value: unknown): string => {
  if (typeof value === 'number') return value.toFixed(3);
  if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value).toFixed(3);
  if (typeof value === 'string') return value.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(\.\d+)?)$/, '$1T$2Z');
  return JSON.stringify(value);
};

const fromFiles = async (sql: string): Promise<string[][]> =>
  (await duckdb.rows(sql)).map((row) => Object.values(row).map(asText));
const fromGraph = async (cypher: string): Promise<string[][]> =>
  ((await graph.rows(cypher)) as unknown[][]).map((row) => row.map(asText));

test(
  'a data set in all formats is loaded row for row, from files to a published snapshot',
  async () => {
    const sizes = await Promise.all(
      dataSet.tables.map(async ({ table }) => [
        table,
        Number((await fromFiles(`SELECT count(*) FROM ${table}`))[0]?.[0]),
      ]),
    );
    expect(staged.map(({ table, rows }) => [table, rows])).toEqual(sizes);
    const loaded = await graph.materialize();
    const rows = staged.reduce((sum, table) => sum + table.rows, 0);
    expect(loaded).toMatchObject({ status: 'succeeded', result: { rows, rejected: 0 } });
    const progress = loaded.events.filter(({ type, step }) => type === 'progress' && step === 'loadGraph');
    const percents = progress.map(({ percent }) => percent);
    expect(percents).toEqual([...percents].sort((left, right) => left - right));
    expect(new Set(progress.map(({ message }) => message)).size).toBe(progress.length);
  },
  SECONDS * 1_000,
);

/** Of the people and products, those whose number ends so: each row of a large table would be a long answer. */
const SAMPLE = Math.ceil(PEOPLE / 4_000);

test.each([
  [
    'people',
    'SELECT count(*), count(name), count(born), min(born), max(born), sum(score), count(*) FILTER (member) FROM Person',
    'MATCH (p:Person) RETURN count(*), count(p.name), count(p.born), min(p.born), max(p.born), sum(p.score), sum(CASE WHEN p.member THEN 1 ELSE 0 END)',
  ],
  [
    'how often each name is there',
    'SELECT name, count(*), min(id), max(born) FROM Person GROUP BY name ORDER BY name',
    'MATCH (p:Person) WITH p.name AS name, count(*) AS people, min(p.id) AS least, max(p.born) AS last RETURN name, people, least, last ORDER BY name',
  ],
  [
    'products',
    'SELECT count(*), sum(price), count(tags) FROM Product',
    'MATCH (p:Product) RETURN count(*), sum(CAST(p.price, "DOUBLE")), count(p.tags)',
  ],
  [
    'cities',
    'SELECT code, label, people FROM City ORDER BY code LIMIT 1000',
    'MATCH (c:City) RETURN c.code, c.label, c.people ORDER BY c.code LIMIT 1000',
  ],
  [
    'each of a part of the people',
    `SELECT id, name, born, score FROM Person WHERE id % ${SAMPLE} = 0 ORDER BY id LIMIT 1000`,
    `MATCH (p:Person) WHERE p.id % ${SAMPLE} = 0 RETURN p.id, p.name, p.born, p.score ORDER BY p.id LIMIT 1000`,
  ],
  [
    'each of a part of the products',
    `SELECT sku, title, price, tags FROM Product ORDER BY sku LIMIT 1000`,
    `MATCH (p:Product) RETURN p.sku, p.title, p.price, p.tags ORDER BY p.sku LIMIT 1000`,
  ],
  [
    'acquaintances',
    'SELECT count(*), min(since), max(since), sum("from"), sum("to") FROM KNOWS',
    'MATCH (a)-[k:KNOWS]->(b) RETURN count(*), min(k.since), max(k.since), sum(a.id), sum(b.id)',
  ],
  [
    'purchases',
    'SELECT count(*), sum(quantity), sum(paid), min("at"), max("at") FROM BOUGHT',
    'MATCH ()-[b:BOUGHT]->() RETURN count(*), sum(b.quantity), sum(CAST(b.paid, "DOUBLE")), min(b.at), max(b.at)',
  ],
  [
    'those who know most',
    'SELECT "from", count(*) AS known FROM KNOWS GROUP BY "from" ORDER BY known DESC, "from" LIMIT 50',
    'MATCH (a:Person)-[:KNOWS]->(:Person) RETURN a.id, count(*) AS known ORDER BY known DESC, a.id LIMIT 50',
  ],
  [
    'a join over two relationships',
    `SELECT c.code, count(*) AS purchases, sum(b.paid) AS paid FROM BOUGHT b JOIN LIVES_IN l ON l."from" = b."from" JOIN City c ON c.code = l."to"
     GROUP BY c.code ORDER BY purchases DESC, c.code LIMIT 20`,
    `MATCH (c:City)<-[:LIVES_IN]-(:Person)-[b:BOUGHT]->(:Product) RETURN c.code, count(*) AS purchases, sum(CAST(b.paid, "DOUBLE")) AS paid
     ORDER BY purchases DESC, c.code LIMIT 20`,
  ],
  [
    'paths of two hops',
    `SELECT count(*), count(DISTINCT second."to") FROM KNOWS first JOIN KNOWS second ON first."to" = second."from"`,
    'MATCH (:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(c:Person) RETURN count(*), count(DISTINCT c.id)',
  ],
  [
    'what the friends of one buy',
    `SELECT DISTINCT b."to" AS sku, p.title FROM KNOWS k JOIN BOUGHT b ON b."from" = k."to" JOIN Product p ON p.sku = b."to" WHERE k."from" = 0 ORDER BY sku LIMIT 1000`,
    'MATCH (:Person {id: 0})-[:KNOWS]->(:Person)-[:BOUGHT]->(p:Product) RETURN DISTINCT p.sku AS sku, p.title ORDER BY sku LIMIT 1000',
  ],
])('the graph answers of %s what DuckDB says of the files', async (_, sql, cypher) => {
  const expected = await fromFiles(sql);
  expect(expected.length).toBeGreaterThan(0);
  expect(await fromGraph(cypher)).toEqual(expected);
});
