import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGraph, type TestGraph } from './graph-fixture.ts';

let graph: TestGraph;

beforeAll(async () => {
  graph = await openGraph({
    nodes: [
      {
        name: 'Person',
        properties: [
          { name: 'id', type: 'INT64', primaryKey: true },
          { name: 'says', type: 'STRING' },
          { name: 'at', type: 'TIMESTAMP' },
          { name: 'seen', type: 'MAP(STRING, TIMESTAMP)' },
          { name: 'home', type: 'STRUCT(street STRING, number INT64)' },
          { name: 'shared', type: 'INT64' },
        ],
      },
      {
        name: 'Place',
        properties: [
          { name: 'name', type: 'STRING', primaryKey: true },
          { name: 'shared', type: 'INT64' },
        ],
      },
    ],
    relationships: [
      { name: 'LIVES_IN', from: 'Person', to: 'Place', properties: [{ name: 'length', type: 'INTERVAL' }] },
    ],
    fill: [
      `CREATE (:Person {id: 9007199254740993, says: 'a, b: {"x"}', at: timestamp('2020-02-29 12:34:56.123456'),
        seen: map(['a=', 'b, c=1'], [timestamp('2020-01-01 00:00:00.000001'), NULL]), home: {street: '}, ', number: NULL},
        shared: 9007199254740993})
        -[:LIVES_IN {length: interval('14 months 1 microsecond')}]->(:Place {name: '北京', shared: 1})`,
    ],
  });
});

afterAll(async () => {
  await graph[Symbol.asyncDispose]();
});

const PERSON = {
  id: '0:0',
  label: 'Person',
  properties: {
    id: '9007199254740993',
    says: 'a, b: {"x"}',
    at: '2020-02-29T12:34:56.123456Z',
    seen: [
      ['a=', '2020-01-01T00:00:00.000001Z'],
      ['b, c=1', null],
    ],
    home: { street: '}, ', number: null },
    shared: '9007199254740993',
  },
};
const PLACE = { id: '1:0', label: 'Place', properties: { name: '北京', shared: 1 } };
const LIVES_IN = {
  id: '2:0',
  label: 'LIVES_IN',
  from: '0:0',
  to: '1:0',
  properties: { length: 'P1Y2MT0.000001S' },
};

describe('a value comes back without loss', () => {
  test.each<[string, unknown]>([
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775807 - 1', '-9223372036854775808'],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ["CAST('18446744073709551615', 'UINT64')", '18446744073709551615'],
    ["CAST('170141183460469231731687303715884105727', 'INT128')", '170141183460469231731687303715884105727'],
    ["CAST('7', 'INT128')", 7],
    ['0.1', 0.1],
    ['1e300', 1e300],
    ['0.0 / 0.0', 'NaN'],
    ['1.0 / 0.0', 'Infinity'],
    ['-1.0 / 0.0', '-Infinity'],
    ["CAST('1234567890123456789012345678.0123456789', 'DECIMAL(38, 10)')", '1234567890123456789012345678.0123456789'],
    ["CAST('1.10', 'DECIMAL(10, 2)')", '1.10'],
    ["CAST('-0.05', 'DECIMAL(10, 2)')", '-0.05'],
    ["CAST('-0.5', 'DECIMAL(10, 2)')", '-0.50'],
    ["CAST('-0.001', 'DECIMAL(10, 3)')", '-0.001'],
    ["CAST('-12.5', 'DECIMAL(10, 1)')", '-12.5'],
    ["CAST('-7', 'DECIMAL(10, 0)')", '-7'],
    ["[CAST('-0.05', 'DECIMAL(10, 2)'), NULL, CAST('0', 'DECIMAL(10, 2)')]", ['-0.05', null, '0.00']],
    ["date('2020-02-29')", '2020-02-29'],
    ["date('0001-01-01') - 500", '-000001-08-20'],
    ["date('9999-12-31') + 1", '+010000-01-01'],
    ["timestamp('2020-02-29 12:34:56.123456')", '2020-02-29T12:34:56.123456Z'],
    ["timestamp('1969-12-31 23:59:59.999999')", '1969-12-31T23:59:59.999999Z'],
    ["timestamp('2020-02-29')", '2020-02-29T00:00:00Z'],
    ["timestamp('2020-01-01') - to_days(800000)", '-000171-09-04T00:00:00Z'],
    ["CAST('2020-02-29 12:34:56.123456+02:00', 'TIMESTAMP_TZ')", '2020-02-29T10:34:56.123456Z'],
    ["CAST('2020-02-29 12:34:56.123', 'TIMESTAMP_MS')", '2020-02-29T12:34:56.123Z'],
    ["CAST('2020-02-29 12:34:56', 'TIMESTAMP_SEC')", '2020-02-29T12:34:56Z'],
    ["interval('1 year 2 months 3 days 4 hours 5 minutes 6 seconds 789 microseconds')", 'P1Y2M3DT4H5M6.000789S'],
    ['to_months(-1) + to_days(-3) + to_hours(-2)', 'P-1M-3DT-2H'],
    ['to_microseconds(-5)', 'PT-0.000005S'],
    ['to_seconds(0)', 'PT0S'],
    ['to_hours(100)', 'PT100H'],
    ["uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ["blob('\\\\xAA\\\\x00\\\\x27,B')", Buffer.from([0xaa, 0, 0x27, 0x2c, 0x42]).toString('base64')],
    ["'\u{1F600} \\u0000 \\' \" ` ü'", '\u{1F600} \u0000 \' " ` ü'],
    ['true', true],
    ['NULL', null],
    ['[]', []],
    ["[NULL, '', 'a,b', ']']", [null, '', 'a,b', ']']],
    ['[[1], [], [9007199254740993, NULL]]', [[1], [], ['9007199254740993', null]]],
    ["[timestamp('2020-02-29 12:34:56.123456'), NULL]", ['2020-02-29T12:34:56.123456Z', null]],
    ["[interval('1 year'), to_hours(-2), interval('3 days')]", ['P1Y', 'PT-2H', 'P3D']],
    ["[blob('\\\\x2C\\\\x5Dab'), blob('')]", ['LF1hYg==', '']],
    ["CAST([1.5, 2.25], 'DOUBLE[2]')", [1.5, 2.25]],
    ["[CAST('1.10', 'DECIMAL(10, 2)')]", ['1.10']],
    [
      "{a: 9007199254740993, b: {c: ['}', ', b: '], d: NULL}}",
      { a: '9007199254740993', b: { c: ['}', ', b: '], d: null } },
    ],
    [
      "map(['b', 'a', '10', '2'], [1, 9007199254740993, NULL, 4])",
      [
        ['b', 1],
        ['a', '9007199254740993'],
        ['10', null],
        ['2', 4],
      ],
    ],
    [
      "map(['a', 'a=b', ''], ['b=', 'x, a=b', '='])",
      [
        ['a', 'b='],
        ['a=b', 'x, a=b'],
        ['', '='],
      ],
    ],
    [
      'map([9007199254740993, 1], [date("2020-01-01"), NULL])',
      [
        ['9007199254740993', '2020-01-01'],
        [1, null],
      ],
    ],
    [
      "map([timestamp('2020-02-29 12:34:56.123456')], [[map(['k'], [{v: 1}])]])",
      [['2020-02-29T12:34:56.123456Z', [[['k', { v: 1 }]]]]],
    ],
    ['map([], [])', []],
  ])('%s', async (expression, expected) => {
    expect(await graph.value(`RETURN ${expression} AS value`)).toEqual(expected);
  });

  test('any string, on its own and among others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), async (one, other) => {
        const parameters = { one, other };
        const row = await graph.rows('RETURN $one AS a, [$one, $other] AS b, {x: $one, y: $other, z: [1]} AS c', {
          parameters,
        });
        expect(row).toEqual([[one, [one, other], { x: one, y: other, z: [1] }]]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('nodes and relationships', () => {
  test.each<[string, unknown[]]>([
    ['MATCH (p:Person) RETURN p', [PERSON]],
    ['MATCH (p:Person)-[r]->(o) RETURN r, o', [LIVES_IN, PLACE]],
    ['MATCH (p:Person)-[r]->(o) RETURN *', [PLACE, PERSON, LIVES_IN]],
    ['MATCH path = (:Person)-[]->(:Place) RETURN path', [{ nodes: [PERSON, PLACE], relationships: [LIVES_IN] }]],
    ['MATCH (:Person)-[r*1..2]->(:Place) RETURN r', [{ nodes: [], relationships: [LIVES_IN] }]],
    ['MATCH (p:Person) RETURN collect(p) AS people', [[PERSON]]],
    ['MATCH (p:Person) RETURN {person: p, list: [p]} AS x', [{ person: PERSON, list: [PERSON] }]],
    ['MATCH (p:Person) RETURN id(p) AS x', ['0:0']],
    ['MATCH (p:Person) RETURN p.*, 1 AS one', [...Object.values(PERSON.properties), 1]],
    ['OPTIONAL MATCH (p:Person {id: 1})-[r]->(o) RETURN p, r, o', [null, null, null]],
  ])('%s', async (cypher, expected) => {
    const [row] = await graph.rows(cypher);
    expect(new Set(row)).toEqual(new Set(expected));
  });

  test('of several tables keep their own properties', async () => {
    expect(await graph.rows('MATCH (n) RETURN n ORDER BY label(n)')).toEqual([[PERSON], [PLACE]]);
  });
});

describe('what can not be returned without loss is refused, with a way out', () => {
  test.each([
    "CAST('1', 'UINT128')",
    'union_value(a := 1)',
    "CAST('2020-02-29 12:34:56.123456789', 'TIMESTAMP_NS')",
    "map([1.5], ['x'])",
    "map([[1]], ['x'])",
  ])('%s', async (expression) => {
    await expect(graph.rows(`RETURN ${expression} AS value`)).rejects.toMatchObject({ code: 'query_failed' });
  });

  test('its text can be returned', async () => {
    expect(await graph.value("RETURN CAST(map([1.5], ['x']), 'STRING') AS value")).toBe('{1.500000=x}');
  });
});
