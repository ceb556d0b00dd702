import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGraph, type TestGraph } from './graph-fixture.ts';

let graph: TestGraph;
let secret: string;

beforeAll(async () => {
  const properties = [
    { name: 'id', type: 'INT64', primaryKey: true },
    { name: 'load', type: 'STRING' },
  ];
  graph = await openGraph({ nodes: [{ name: 'Item', properties }], fill: ["CREATE (:Item {id: 1, load: 'x'})"] });
  secret = join(graph.directory, 'secret.csv');
  await writeFile(secret, 'a,b\n1,2\n');
});

afterAll(async () => {
  await graph[Symbol.asyncDispose]();
});

/** Every attempt is refused, and neither the graph nor its directory is another afterwards. */
const expectRefused = async (cypher: string, code: RegExp): Promise<void> => {
  const before = await stateOf();
  await expect(graph.rows(cypher.replaceAll('SECRET', secret))).rejects.toMatchObject({
    name: 'Refusal',
    code: expect.stringMatching(code),
  });
  expect(await stateOf()).toEqual(before);
};

const stateOf = async () => ({
  files: await readdir(graph.directory),
  bytes: await readFile(graph.file, 'base64'),
  changedAt: (await stat(graph.file)).mtimeMs,
});

describe('a query can not write', () => {
  test.each([
    'CREATE (:Item {id: 2})',
    "MATCH (n:Item) SET n.load = 'y'",
    'MATCH (n:Item) DELETE n',
    'MATCH (n:Item) DETACH DELETE n',
    'MERGE (:Item {id: 3})',
    'MATCH (n:Item) CREATE (:Item {id: 4})',
    'UNWIND [5] AS x CREATE (:Item {id: x}) RETURN x',
    'UNWIND [5] AS x MERGE (n:Item {id: x}) ON MATCH SET n.load = "z" RETURN n',
    'CREATE NODE TABLE Other(id INT64 PRIMARY KEY)',
    'DROP TABLE Item',
    'ALTER TABLE Item ADD z INT64',
    "COMMENT ON TABLE Item IS 'x'",
    'CREATE MACRO plus(x) AS x + 1',
    'CREATE SEQUENCE counter',
    'CREATE TYPE other AS INT64',
    'CREATE GRAPH other',
    "COPY Item FROM 'SECRET'",
    'EXPLAIN CREATE (:Item {id: 6})',
    'PROFILE CREATE (:Item {id: 7})',
    'PROFILE MATCH (n:Item) SET n.load = "p"',
    'EXPLAIN LOGICAL MATCH (n:Item) DELETE n',
    '/* MATCH */ CREATE (:Item {id: 8})',
    "RETURN nextval('counter')",
    "RETURN `NextVal`('counter')",
  ])('%s', async (cypher) => {
    await expectRefused(cypher, /^read_only$/);
  });
});

describe('a query can not reach outside of its graph', () => {
  test.each([
    "LOAD FROM 'SECRET' RETURN *",
    "load/**/from 'SECRET' return *",
    "LOAD // comment\nFROM 'SECRET' RETURN *",
    'LOAD FROM "SECRET" RETURN *',
    "LOAD FROM '*.csv' RETURN *",
    "LOAD FROM 'file://SECRET' RETURN *",
    "LOAD FROM 'https://example.com/x.csv' RETURN *",
    "LOAD WITH HEADERS (a INT64, b INT64) FROM 'SECRET' RETURN *",
    'LOAD FROM $file RETURN *',
    "MATCH (n:Item) LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS x LOAD FROM 'SECRET' RETURN *",
    "UNWIND [1] AS as LOAD WITH HEADERS (a INT64, b INT64) FROM 'SECRET' RETURN *",
    "UNWIND [1] AS x LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS x WHERE x < 2. LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS x LIMIT 1LOAD FROM 'SECRET' RETURN *",
    "MATCH (n:Item) WHERE n.id IN [1]LOAD FROM 'SECRET' RETURN *",
    "RETURN 1 AS a UNION LOAD FROM 'SECRET' RETURN a",
    "MATCH (n:Item) WHERE EXISTS { LOAD FROM 'SECRET' RETURN a } RETURN 1",
    "EXPLAIN LOAD FROM 'SECRET' RETURN *",
    "PROFILE LOAD FROM 'SECRET' RETURN *",
    "ＬＯＡＤ FROM 'SECRET' RETURN *",
    "COPY (MATCH (n:Item) RETURN n.id) TO 'SECRET.out.csv'",
    "EXPLAIN COPY (MATCH (n:Item) RETURN n.id) TO 'SECRET.out.csv'",
    "PROFILE COPY (MATCH (n:Item) RETURN n.id) TO 'SECRET.out.csv'",
    "EXPORT DATABASE 'SECRET.out'",
    "IMPORT DATABASE 'SECRET.out'",
    "ATTACH 'SECRET' AS other (dbtype lbug)",
    'DETACH other',
    'USE other',
    'USE GRAPH other',
    'INSTALL json',
    'FORCE INSTALL json',
    'UPDATE EXTENSION json',
    'UNINSTALL json',
    'LOAD EXTENSION json',
    'LOAD json',
    "LOAD EXTENSION '/lib/x86_64-linux-gnu/libc.so.6'",
  ])('%s', async (cypher) => {
    await expectRefused(cypher, /^read_only$/);
  });

  // The engine takes all of these for spaces.
  test.each(['\u00a0', '\u180e', '\u2003', '\u2028', '\u3000', '\u001c'])('with the space %j', async (space) => {
    await expectRefused(`LOAD${space}FROM 'SECRET' RETURN *`, /^(read_only|query_failed)$/);
    await expectRefused(`WITH 1 AS x LOAD${space}FROM 'SECRET' RETURN *`, /^(read_only|query_failed)$/);
  });

  // Where the engine would see the end of a string or a comment elsewhere than we do.
  test.each([
    "RETURN '\\' AS x UNION LOAD FROM 'SECRET' RETURN *",
    "RETURN '\\q' AS x UNION LOAD FROM 'SECRET' RETURN '",
    "WITH 1 AS x // ' \r LOAD FROM 'SECRET' RETURN * // '",
    "WITH 1 AS x /* // */ LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS x /* ' */ LOAD FROM 'SECRET' RETURN * /* ' */",
    "WITH 1 AS `x` LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS `x``` LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS `/*` LOAD FROM 'SECRET' RETURN * /* */",
    "WITH '/*' AS x LOAD FROM 'SECRET' RETURN * /* */",
    "WITH \"'\" AS x LOAD FROM 'SECRET' RETURN *",
    "WITH 1 AS x /* open LOAD FROM 'SECRET' RETURN *",
    "RETURN 'open LOAD FROM 1",
    'RETURN `open',
  ])('%s', async (cypher) => {
    await expectRefused(cypher, /^(read_only|query_failed)$/);
  });
});

describe('a query can not change the handle or look into the machine', () => {
  test.each([
    'CALL threads = 2',
    'CALL `threads` = 2',
    'CALL timeout = 1000',
    "CALL home_directory = '/'",
    "CALL file_search_path = '/'",
    "CALL current_setting('home_directory') RETURN *",
    "CALL read_csv_serial('SECRET') RETURN *",
    "CALL `read_csv_serial`('SECRET') RETURN *",
    "CALL read_parquet('SECRET') RETURN *",
    'CALL file_info() RETURN *',
    'CALL disk_info() RETURN *',
    'CALL bm_info() RETURN *',
    "CALL storage_info('Item') RETURN *",
    'CALL show_warnings() RETURN *',
    'CALL show_attached_databases() RETURN *',
    'CALL show_official_extensions() RETURN *',
    'CALL clear_warnings()',
    "CALL project_graph('G', ['Item'], [])",
    "CALL project_graph_cypher('G', 'MATCH (n) RETURN n')",
    'WITH 1 AS x CALL disk_info() RETURN *',
    'CALL show_tables() RETURN name UNION CALL disk_info() RETURN name',
    'call/**/disk_info() RETURN *',
    'EXPLAIN CALL disk_info() RETURN *',
    'CHECKPOINT',
    'BEGIN TRANSACTION',
    'BEGIN TRANSACTION READ ONLY',
    'COMMIT',
    'ROLLBACK',
    'ANALYZE Item',
    'RETURN 1; RETURN 2',
    'RETURN 1 AS x; CREATE (:Item {id: 9})',
    'RETURN 1 AS x;;',
  ])('%s', async (cypher) => {
    await expectRefused(cypher, /^read_only$/);
  });
});

describe('a query that only looks like one of those is answered', () => {
  test.each<[string, unknown]>([
    ['MATCH (n:Item) RETURN n.load', 'x'],
    ['MATCH (load:Item) RETURN load.id', 1],
    ['WITH 1 AS load RETURN load', 1],
    ["RETURN 'LOAD FROM; CALL threads=1 // /*' AS x", 'LOAD FROM; CALL threads=1 // /*'],
    ['WITH 1 AS `LOAD FROM` RETURN `LOAD FROM`', 1],
    ['WITH 1 AS `call` RETURN `call`', 1],
    ['RETURN 1 AS x; // the end', 1],
    ["/* LOAD FROM 'x' */ RETURN 1 AS x", 1],
    ["RETURN 1 AS x // LOAD FROM 'x'", 1],
    ["RETURN 'it\\'s' AS x", "it's"],
    ["CALL show_tables() WHERE name = 'Item' RETURN name", 'Item'],
    ["CALL `Table_Info`('Item') RETURN name ORDER BY name LIMIT 1", 'id'],
    ['CALL db_version() YIELD version RETURN size(version) > 0 AS x', true],
    ['RETURN COUNT { MATCH (n:Item) } AS x', 1],
    ['OPTIONAL MATCH (n:Item {id: 99}) RETURN n', null],
    ['MATCH (n:Item) RETURN n.id UNION MATCH (n:Item) RETURN n.id', 1],
  ])('%s', async (cypher, expected) => {
    expect(await graph.value(cypher)).toEqual(expected);
  });

  test.each(['EXPLAIN', 'EXPLAIN LOGICAL', 'PROFILE'])('%s', async (explain) => {
    expect(await graph.value(`${explain} MATCH (n:Item) RETURN n`)).toContain('Plan');
  });
});
