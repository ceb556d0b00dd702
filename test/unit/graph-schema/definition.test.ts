import { describe, expect, test } from 'vitest';
import { GraphSchemaDefinition, MAX_NODE_TABLES } from '../../../domain/graph/graph-schema.ts';
import { node } from './schema-fixture.ts';

const issuesOf = (definition: object): string[] => {
  const parsed = GraphSchemaDefinition.safeParse({ name: 'companies', version: '1.0.0', ...definition });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

test("the API document's own example is a schema", () => {
  const example = {
    extends: 'base',
    nodes: [
      {
        name: 'Company',
        properties: [
          { name: 'id', type: 'STRING', primaryKey: true },
          { name: 'founded', type: 'DATE' },
        ],
      },
    ],
    relationships: [{ name: 'OWNS', from: 'Company', to: 'Company', properties: [{ name: 'share', type: 'DOUBLE' }] }],
  };
  expect(issuesOf(example)).toEqual([]);
});

test('a field that is not known is refused by its name', () => {
  expect(issuesOf({ indexes: [] })).toEqual([expect.stringContaining('"indexes"')]);
  expect(issuesOf({ nodes: [{ ...node('A'), key: 'id' }] })).toEqual([expect.stringMatching(/^nodes\.0: .*"key"/)]);
});

describe('a name', () => {
  test.each(['', '_hidden', '1st', 'a b', 'a`b', 'naïve', 'a-b', 'x'.repeat(64), "Robert'); DROP TABLE Students;--"])(
    'can not be %j',
    (name) => {
      expect(issuesOf({ nodes: [node(name)] })).toEqual([
        expect.stringMatching(/^nodes\.0\.name: Use 1 to 63 letters, digits and underscores/),
      ]);
      expect(issuesOf({ nodes: [node('A', [{ name, type: 'STRING' }])] })).toEqual([
        expect.stringMatching(/^nodes\.0\.properties\.1\.name: /),
      ]);
    },
  );

  test.each(['id', 'label', 'offset', 'from', 'Order', 'x'.repeat(63)])('can be %j, keyword or not', (name) => {
    expect(issuesOf({ nodes: [node('A', [{ name, type: 'STRING' }])] })).toEqual([]);
  });
});

describe('a type', () => {
  test.each([
    'STRING',
    'int64',
    'DECIMAL(38,10)',
    'DATE[]',
    'DOUBLE[3]',
    'INT64[][]',
    'MAP(STRING, INT64[])',
    'MAP(DATE, STRUCT(a INT64, b DECIMAL(10, 2)[]))',
  ])('can be %s', (type) => {
    expect(issuesOf({ nodes: [node('A', [{ name: 'value', type }])] })).toEqual([]);
  });

  test.each([
    ['TIMESTAMP_NS', 'not a type that a graph can have'],
    ['UINT128', 'not a type that a graph can have'],
    ['SERIAL', 'not a type that a graph can have'],
    ['JSON', 'not a type that a graph can have'],
    ['VARCHAR', 'not a type that a graph can have'],
    ['UNION(a INT64)', 'is not a type'],
    ['DECIMAL', 'not a type that a graph can have'],
    ['DECIMAL(39, 0)', 'precision of 1 to 38'],
    ['DECIMAL(10, 11)', 'precision of 1 to 38'],
    ['DATE[0]', "array's length"],
    ['MAP(DOUBLE, STRING)', "map's key"],
    ['MAP(STRING)', 'is not a type'],
    ['STRUCT(a INT64, A DATE)', 'two fields named a'],
    ['STRUCT(_id INT64)', 'can not be named _id'],
    ['STRUCT()', 'is not a type'],
    ['INT64[][][][][]', 'at most 4 deep'],
    ['STRING, x INT64', 'is not a type'],
    ['STRING) ; DROP TABLE A', 'is not a type'],
    ['', 'is not a type'],
  ])('can not be %s', (type, reason) => {
    expect(issuesOf({ nodes: [node('A', [{ name: 'value', type }])] })).toEqual([
      expect.stringMatching(new RegExp(`^nodes\\.0\\.properties\\.1\\.type: .*${reason}`)),
    ]);
  });
});

test('a version is a semantic version', () => {
  expect(issuesOf({ version: '1.0' })).toEqual([expect.stringMatching(/^version: Give a semantic version/)]);
  expect(issuesOf({ version: '2.1.0-rc.1+build.5' })).toEqual([]);
});

test('there is a limit to the number of tables', () => {
  const nodes = Array.from({ length: MAX_NODE_TABLES + 1 }, (_, index) => node(`Node${index}`));
  expect(issuesOf({ nodes })).toEqual([expect.stringMatching(/^nodes: /)]);
});
