import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DataSet, writeDataSet } from '../../../bench/data-set.ts';
import type { Json } from '../../../instance/database/query-parameters.ts';
import { openReadOnly, type ReadOnlyDatabase } from '../../../instance/database/read-only-database.ts';
import { loadGraph } from '../../../instance/loading/load-graph.ts';
import type { DuckDBSession } from '../../../instance/staging/duckdb-session.ts';
import { Staging } from '../staging/staging-fixture.ts';

const PEOPLE = 4_000;

let staging: Staging;
let dataSet: DataSet;
let duckdb: DuckDBSession;
let graph: ReadOnlyDatabase;

beforeAll(async () => {
  staging = await Staging.open({});
  dataSet = await writeDataSet(staging.directory, { people: PEOPLE, seed: 7 });
  Object.assign(staging.schema, dataSet.schema);
  for (const { table, files } of dataSet.tables) await staging.stage(table, files);
  const output = staging.path('graph.lbug');
  await loadGraph(
    {
      schema: dataSet.schema,
      files: dataSet.tables.map(({ table }) => ({ table, path: staging.path(`${table}.parquet`) })),
      limits: { rowsPerTable: 1e6, rows: 1e6, bytes: 1e9 },
      ignoreErrors: false,
      output,
      report: staging.path('report.ndjson'),
    },
    { temporaryDirectory: staging.directory },
  );
  graph = await openReadOnly(output);
  duckdb = await staging.duckdb();
  for (const { table, truth } of dataSet.tables) await duckdb.run(`CREATE VIEW ${table} AS ${truth}`);
});

afterAll(async () => {
  await graph.close();
  await duckdb[Symbol.asyncDispose]();
  await staging[Symbol.asyncDispose]();
});

/** What DuckDB says of the files, and what the graph says; as text, in which both write numbers, dates and nulls alike. */
const bothAnswer = async (sql: string, cypher: string): Promise<[files: string[][], graph: string[][]]> => {
  const fromFiles = (await duckdb.rows(sql)).map((row) => Object.values(row).map(asText));
  const answer = await graph.query({ cypher, limit: 100_000, timeoutMs: 20_000 });
  const fromGraph = (await Array.fromAsync(answer.rows())).map((row) => row.map((value) => asText(value)));
  return [fromFiles, fromGraph];
};

const asText = (value: unknown | Json): string => {
  if (typeof value === 'number') return value.toFixed(3);
  if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value).toFixed(3);
  if (typeof value === 'string') return value.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(\.\d+)?)$/, '$1T$2Z');
  return JSON.stringify(value);
};

describe('a data set of all formats answers as its files do', () => {
  test.each([
    [
      'people',
      'SELECT count(*), count(name), count(born), min(born), max(born), sum(score), count(*) FILTER (member) FROM Person',
      'MATCH (p:Person) RETURN count(*), count(p.name), count(p.born), min(p.born), max(p.born), sum(p.score), sum(CASE WHEN p.member THEN 1 ELSE 0 END)',
    ],
    [
      'products',
      'SELECT count(*), sum(price), count(tags) FROM Product',
      'MATCH (p:Product) RETURN count(*), sum(CAST(p.price, "DOUBLE")), count(p.tags)',
    ],
    [
      'cities',
      'SELECT code, label, people FROM City ORDER BY code',
      'MATCH (c:City) RETURN c.code, c.label, c.people ORDER BY c.code',
    ],
    [
      'every name',
      'SELECT id, name, born, score FROM Person ORDER BY id',
      'MATCH (p:Person) RETURN p.id, p.name, p.born, p.score ORDER BY p.id',
    ],
    [
      'every product',
      'SELECT sku, title, price, tags FROM Product ORDER BY sku',
      'MATCH (p:Product) RETURN p.sku, p.title, p.price, p.tags ORDER BY p.sku',
    ],
    [
      'acquaintances',
      'SELECT count(*), min(since), max(since) FROM KNOWS',
      'MATCH ()-[k:KNOWS]->() RETURN count(*), min(k.since), max(k.since)',
    ],
    [
      'purchases',
      'SELECT count(*), sum(quantity), sum(paid), min("at"), max("at") FROM BOUGHT',
      'MATCH ()-[b:BOUGHT]->() RETURN count(*), sum(b.quantity), sum(CAST(b.paid, "DOUBLE")), min(b.at), max(b.at)',
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
      `SELECT DISTINCT b."to" AS sku, p.title FROM KNOWS k JOIN BOUGHT b ON b."from" = k."to" JOIN Product p ON p.sku = b."to" WHERE k."from" = 0 ORDER BY sku`,
      'MATCH (:Person {id: 0})-[:KNOWS]->(:Person)-[:BOUGHT]->(p:Product) RETURN DISTINCT p.sku AS sku, p.title ORDER BY sku',
    ],
  ])('%s', async (_, sql, cypher) => {
    const [files, answer] = await bothAnswer(sql, cypher);
    expect(files.length).toBeGreaterThan(0);
    expect(answer).toEqual(files);
  });

  test('one seed gives one data set', async () => {
    await using again = await Staging.open(dataSet.schema);
    const { tables } = await writeDataSet(again.directory, { people: PEOPLE, seed: 7 });
    for (const { table, files } of tables) {
      const [first, second] = [await again.stage(table, files), await staging.stage(table, files)];
      expect(second.checksum).toBe(first.checksum);
    }
    const other = await writeDataSet(again.directory, { people: PEOPLE, seed: 8 });
    const known = await again.stage('KNOWS', other.tables.find(({ table }) => table === 'KNOWS')?.files ?? []);
    expect(known.checksum).not.toBe(
      (await staging.stage('KNOWS', dataSet.tables.find(({ table }) => table === 'KNOWS')?.files ?? [])).checksum,
    );
  });
});
