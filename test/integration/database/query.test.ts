import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openReadOnly } from '../../../instance/database/read-only-database.ts';
import { openGraph, type TestGraph } from './graph-fixture.ts';

let graph: TestGraph;

beforeAll(async () => {
  graph = await openGraph({
    nodes: [
      {
        name: 'Item',
        properties: [
          { name: 'id', type: 'INT64', primaryKey: true },
          { name: 'at', type: 'TIMESTAMP' },
        ],
      },
    ],
    fill: ["UNWIND range(1, 3000) AS x CREATE (:Item {id: x, at: timestamp('2020-01-01 00:00:00.000001')})"],
  });
});

afterAll(async () => {
  await graph[Symbol.asyncDispose]();
});

const SLOW = 'MATCH (a:Item), (b:Item), (c:Item), (d:Item) RETURN sum(a.id * b.id + c.id - d.id) AS x';

describe('an answer', () => {
  test('tells columns, types and the number of rows before the rows are read', async () => {
    const cypher = 'MATCH (n:Item) RETURN n.id, n.at AS `a time`, count(*) ORDER BY n.id';
    const answer = await graph.database.query({ cypher, limit: 2, timeoutMs: 5_000 });
    expect(answer).toMatchObject({
      columns: ['n.id', 'a time', 'COUNT_STAR()'],
      types: ['INT64', 'TIMESTAMP', 'INT64'],
      rowCount: 2,
      truncated: true,
    });
    expect(await Array.fromAsync(answer.rows())).toEqual([
      [1, '2020-01-01T00:00:00.000001Z', 1],
      [2, '2020-01-01T00:00:00.000001Z', 1],
    ]);
  });

  test.each<[string, number, boolean]>([
    ['MATCH (n:Item) RETURN n.id', 1_000, true],
    ['MATCH (n:Item) RETURN n.id LIMIT 1000', 1_000, false],
    ['MATCH (n:Item) RETURN n.id LIMIT 1001', 1_000, true],
    ['MATCH (n:Item) RETURN n.id SKIP 2990', 10, false],
    ['MATCH (n:Item) RETURN *', 1_000, true],
    ['MATCH (n:Item) RETURN n.id UNION ALL MATCH (n:Item) RETURN n.id', 1_000, true],
    ['MATCH (n:Item) WHERE n.id < 0 RETURN n', 0, false],
  ])('is cut at its limit and says so: %s', async (cypher, rowCount, truncated) => {
    const answer = await graph.database.query({ cypher, limit: 1_000, timeoutMs: 5_000 });
    expect(answer).toMatchObject({ rowCount, truncated });
    expect(await Array.fromAsync(answer.rows())).toHaveLength(rowCount);
  });

  test.each<[string, unknown[]]>([
    ['MATCH (n:Item) RETURN DISTINCT n.at', [['2020-01-01T00:00:00.000001Z']]],
    ['MATCH (n:Item) RETURN n.id AS x ORDER BY x DESC SKIP 1 LIMIT 2', [[2999], [2998]]],
    [
      'MATCH (n:Item) RETURN n.id % 2 AS odd, max(n.at) AS last, count(*) ORDER BY count(*), odd',
      [
        [0, '2020-01-01T00:00:00.000001Z', 1500],
        [1, '2020-01-01T00:00:00.000001Z', 1500],
      ],
    ],
    ['MATCH (n:Item) WITH n ORDER BY n.id LIMIT 1 RETURN CASE WHEN n.id = 1 THEN "a" ELSE "b" END AS x', [['a']]],
    ['MATCH (n:Item {id: 7}) RETURN list_transform([1, 2], x -> x + n.id) AS x', [[[8, 9]]]],
    ['RETURN 1 AS limit', [[1]]],
    ['RETURN 1 AS `order`, 2 AS skip', [[1, 2]]],
  ])('is the same as without exact columns: %s', async (cypher, rows) => {
    expect(await graph.rows(cypher)).toEqual(rows);
  });

  test('can be left before its end, and left unread', async () => {
    const query = { cypher: 'MATCH (n:Item) RETURN n.id', limit: 1_000, timeoutMs: 5_000 };
    for await (const _ of (await graph.database.query(query)).rows()) break;
    const unread = await graph.database.query(query);
    await unread.close();
    expect(await Array.fromAsync(unread.rows())).toEqual([]);
  });
});

describe('a query is refused', () => {
  test.each([0, -1, 1.5, 100_001, Number.NaN])('when its limit is %d', async (limit) => {
    await expect(graph.rows('RETURN 1', { limit })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test.each<[string, string]>([
    ['MATCH (n:Nothing) RETURN n', 'Table Nothing does not exist'],
    ['MATCH (n:Item) RETURN n.nothing', 'nothing'],
    ['MATCH (n:Item', 'Parser exception'],
    ['RETURN 1 AS a, 2 AS a', 'Two columns are named a'],
    ['RETURN CAST("x", "INT64") AS x', 'Could not convert'],
    [' // nothing', 'The query is empty'],
  ])("with the engine's words: %s", async (cypher, message) => {
    await expect(graph.rows(cypher)).rejects.toMatchObject({
      code: 'query_failed',
      message: expect.stringContaining(message),
    });
  });
});

describe('parameters', () => {
  test('have the types of JSON', async () => {
    const parameters = {
      text: "it's",
      whole: 7,
      real: 1.5,
      yes: true,
      nothing: null,
      list: [1, 2],
      object: { a: [{ b: 'x' }] },
    };
    const names = Object.keys(parameters);
    const cypher = `RETURN ${names.map((name) => `$${name} AS ${name}`).join(', ')}`;
    expect(await graph.rows(cypher, { parameters })).toEqual([Object.values(parameters)]);
  });

  test('can be lists without values', async () => {
    expect(
      await graph.rows('RETURN size($none) AS a, $nulls AS b', { parameters: { none: [], nulls: [null] } }),
    ).toEqual([[0, [null]]]);
  });

  test('are cast to what JSON has no form for', async () => {
    const parameters = { big: '9223372036854775807', day: '2020-02-29', at: '2020-02-29 12:00:00.000001' };
    const cypher = "RETURN CAST($big, 'INT64') AS a, date($day) AS b, timestamp($at) AS c";
    expect(await graph.rows(cypher, { parameters })).toEqual([
      ['9223372036854775807', '2020-02-29', '2020-02-29T12:00:00.000001Z'],
    ]);
  });

  test('find rows, and are values whatever they look like', async () => {
    expect(
      await graph.value('MATCH (n:Item) WHERE n.id IN $ids RETURN count(*)', { parameters: { ids: [1, 5, -1] } }),
    ).toBe(2);
    const text = "x'}) RETURN 1; LOAD FROM '/etc/passwd' RETURN * //";
    expect(await graph.value('RETURN $text AS x', { parameters: { text } })).toBe(text);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['RETURN $a AS x', {}, '$a'],
    ['UNWIND range(1, $a) AS x RETURN sum(x)', { a: 3 }, "CAST($n, 'INT64')"],
    ['RETURN 1 AS x', { a: 1 }, 'The parameter a is not used'],
    ['RETURN $a AS x', { a: [1, 'x'] }, 'different types'],
    ['RETURN $a AS x', { a: [{ b: 1 }, { c: 2 }] }, 'different types'],
    ['RETURN $a AS x', { a: { b: null } }, '$a.b is null'],
    ['RETURN $a AS x', { a: {} }, 'without fields'],
    ['RETURN $toString AS x', {}, '$toString'],
  ])('that do not fit are refused: %s %j', async (cypher, parameters, message) => {
    await expect(graph.rows(cypher, { parameters: parameters as never })).rejects.toMatchObject({
      code: 'query_failed',
      message: expect.stringContaining(message),
    });
  });
});

describe('a query that takes too long', () => {
  test('is stopped, and the graph answers on', async () => {
    await expect(graph.rows(SLOW, { timeoutMs: 50 })).rejects.toMatchObject({ name: 'Refusal', code: 'query_timeout' });
    expect(await graph.value('MATCH (n:Item) RETURN count(*)')).toBe(3_000);
  });

  test('leaves the others their turns', async () => {
    const slow = Array.from({ length: 6 }, () => graph.rows(SLOW, { timeoutMs: 100 }));
    const quick = Array.from({ length: 6 }, () => graph.value('RETURN 1 AS x'));
    expect((await Promise.allSettled(slow)).map(({ status }) => status)).toEqual(slow.map(() => 'rejected'));
    expect(await Promise.all(quick)).toEqual(quick.map(() => 1));
  });
});

/** What the engine's parser can not be interrupted in: it is refused, not begun. */
describe('a query that is too large to be parsed', () => {
  const nested = (open: string, close: string) => (depth: number) =>
    `RETURN ${open.repeat(depth)}1${close.repeat(depth)} AS x`;
  const kinds = [
    ['brackets', 30, nested('(', ')')],
    ['lists', 30, nested('[', ']')],
    ['maps', 30, nested('{a: ', '}')],
    ['calls', 30, nested('abs(', ')')],
    ['CASEs', 10, nested('CASE WHEN true THEN ', ' END')],
    ['CASEs after ELSE', 10, nested('CASE WHEN false THEN 1 ELSE ', ' END')],
    ['CASEs and brackets', 7, nested('case when true then (', ') end')],
  ] as const;

  test.each(kinds)('is refused by its depth, and answered at the deepest: %s', async (_kind, deepest, query) => {
    await expect(graph.rows(query(deepest))).resolves.not.toEqual([]);
    for (const depth of [deepest + 1, 20_000]) {
      await expect(graph.rows(query(depth))).rejects.toMatchObject({ name: 'Refusal', code: 'query_failed' });
    }
  });

  test('is refused by its length, and answered at the longest', async () => {
    // RETURN 1 … AS x
    const sum = (terms: number) => `RETURN 1${'+1'.repeat(terms - 1)} AS x`;
    expect(await graph.value(sum(2_499))).toBe(2_499);
    for (const terms of [2_500, 25_000]) {
      await expect(graph.rows(sum(terms))).rejects.toMatchObject({ name: 'Refusal', code: 'query_failed' });
    }
    const list = Array.from({ length: 5_000 }, () => null);
    await expect(graph.rows('RETURN size($list)', { parameters: { list } })).rejects.toMatchObject({
      code: 'query_failed',
    });
  });

  test('is not what has many brackets beside each other, nor what is in quotes', async () => {
    expect(await graph.value(`RETURN 1${' + (1)'.repeat(900)} AS x`)).toBe(901);
    expect(await graph.value(`RETURN size('${'('.repeat(10_000)}') AS x`)).toBe(10_000);
    const many = Array.from({ length: 40 }, (_, at) => `CASE WHEN true THEN ${at} END AS c${at}`).join(', ');
    expect(await graph.rows(`RETURN ${many}`)).toHaveLength(1);
  });
});

describe('a graph', () => {
  test('answers several queries at once', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    const cypher = 'MATCH (n:Item) WHERE n.id = $id RETURN n.id';
    expect(await Promise.all(ids.map((id) => graph.value(cypher, { parameters: { id } })))).toEqual(ids);
  });

  test('closes after the answers that are being read, and takes no more', async () => {
    const database = await openReadOnly(graph.file);
    const query = { cypher: 'MATCH (n:Item) RETURN n', limit: 1_000, timeoutMs: 5_000 };
    const running = database.query(query).then((answer) => Array.fromAsync(answer.rows()));
    const closed = database.close();
    await expect(database.query(query)).rejects.toMatchObject({ name: 'Retryable', code: 'unavailable' });
    expect(await running).toHaveLength(1_000);
    await closed;
    await database.close();
  });

  test('can be open many times', async () => {
    const databases = await Promise.all(Array.from({ length: 12 }, () => openReadOnly(graph.file)));
    await Promise.all(databases.map((database) => database.close()));
  });
});
