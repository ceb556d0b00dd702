import { describe, expect, test } from 'vitest';
import { type EntityInput, entityIssues, resolveEntity } from '../../../domain/graph/entity.ts';
import { resolveSchema } from '../../../domain/graph/resolve-schema.ts';
import { definition, node } from './schema-fixture.ts';

const schemaWith = (type: string) =>
  resolveSchema({ schema: definition({ nodes: [node('Company', [{ name: 'value', type }])] }), extensions: [] }).schema;

const issueOf = (type: string, value: EntityInput['properties'][string]): string | undefined => {
  const issues = entityIssues({ table: 'Company', properties: { id: 'a', value } }, schemaWith(type));
  expect(issues.map(({ path }) => path)).toEqual(issues.map(() => 'entity.properties.value'));
  return issues[0]?.message;
};

describe('a value fits its type', () => {
  test.each<[string, EntityInput['properties'][string]]>([
    ['STRING', "O'Neill"],
    ['BOOL', false],
    ['INT8', -128],
    ['INT64', '9223372036854775807'],
    ['UINT64', '18446744073709551615'],
    ['INT128', '-170141183460469231731687303715884105728'],
    ['DOUBLE', 1e300],
    ['FLOAT', 1],
    ['DECIMAL(5, 2)', '-123.45'],
    ['DECIMAL(5, 2)', 7],
    ['DATE', '2024-02-29'],
    ['TIMESTAMP', '2024-02-29T12:00:00.123456Z'],
    ['TIMESTAMP_SEC', '2024-02-29T12:00:00Z'],
    ['INTERVAL', 'P1Y2M3DT4H5M6.000789S'],
    ['UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['BLOB', '/w=='],
    ['INT64[]', [1, '2', null]],
    ['DOUBLE[2]', [1, 2.5]],
    ['STRUCT(a INT64)', null],
  ])('%s can be %j', (type, value) => {
    expect(issueOf(type, value)).toBeUndefined();
  });

  test.each<[string, EntityInput['properties'][string], string]>([
    ['STRING', 1, 'Give a string'],
    ['BOOL', 'true', 'Give true or false'],
    ['INT8', 128, 'INT8 reaches from -128 to 127'],
    ['UINT8', -1, 'UINT8 reaches from 0 to 255'],
    ['INT64', '9223372036854775808', 'INT64 reaches'],
    ['INT64', 2 ** 53, 'as a string of digits'],
    ['INT64', 1.5, 'whole number'],
    ['INT64', '0x10', 'whole number'],
    ['FLOAT', 1e300, 'Use DOUBLE'],
    ['DOUBLE', '1', 'Give a number'],
    ['DECIMAL(5, 2)', '1234.5', 'Give DECIMAL(5, 2) as a string'],
    ['DECIMAL(5, 2)', '1.234', 'Give DECIMAL(5, 2) as a string'],
    ['DECIMAL(5, 2)', '1e2', 'Give DECIMAL(5, 2) as a string'],
    ['DATE', '2023-02-29', 'a date, YYYY-MM-DD'],
    ['DATE', '2024-02-29T00:00:00Z', 'a date, YYYY-MM-DD'],
    ['TIMESTAMP', '2024-02-29T12:00:00+02:00', 'RFC 3339 with Z'],
    ['TIMESTAMP', '2024-02-29T12:00:00.1234567Z', 'at most 6 fraction digits'],
    ['TIMESTAMP_MS', '2024-02-29T12:00:00.1234Z', 'at most 3 fraction digits'],
    ['INTERVAL', 'P', 'ISO 8601 duration'],
    ['INTERVAL', '1 year', 'ISO 8601 duration'],
    ['UUID', 'a0eebc99', 'a UUID'],
    ['BLOB', 'not base64!', 'base64'],
    ['INT64[]', 1, 'Give a list'],
    ['INT64[]', [1, 'x'], 'Item 1: '],
    ['DOUBLE[2]', [1], 'exactly 2 values'],
    ['INT64[][]', [[1]], 'can not be given here'],
    ['MAP(STRING, INT64)', { a: 1 }, 'can not be given here'],
  ])('%s can not be %j', (type, value, message) => {
    expect(issueOf(type, value)).toContain(message);
  });
});

test('the table, the properties and the primary key are checked by name', () => {
  const schema = schemaWith('DATE');
  expect(entityIssues({ table: 'company', properties: {} }, schema)).toEqual([
    { path: 'entity.table', message: 'The schema has no node company. Its nodes: Company.' },
  ]);
  expect(entityIssues({ table: 'Company', properties: { id: null, founded: '2020-01-01' } }, schema)).toEqual([
    { path: 'entity.properties.id', message: 'id is the primary key of Company. Give it a value.' },
    { path: 'entity.properties.founded', message: 'Company has no property founded. Its properties: id, value.' },
  ]);
});

describe('the first entity of a graph', () => {
  const schema = schemaWith('DATE');
  const entity = { table: 'Company', properties: { id: 'a' } };

  test('is created in an entity graph', () => {
    expect(resolveEntity({ kind: 'entity', entity, createEntity: true, schema })).toEqual({ entity, issues: [] });
  });

  test('is left out when it is not wanted, but checked', () => {
    expect(resolveEntity({ kind: 'entity', entity, createEntity: false, schema })).toEqual({
      entity: null,
      issues: [],
    });
    expect(resolveEntity({ kind: 'entity', entity: null, createEntity: false, schema }).issues).toEqual([]);
    const typo = { table: 'Compny', properties: {} };
    expect(resolveEntity({ kind: 'entity', entity: typo, createEntity: false, schema }).issues).toHaveLength(1);
  });

  test('is asked for when it is missing', () => {
    const { issues } = resolveEntity({ kind: 'entity', entity: null, createEntity: true, schema });
    expect(issues).toEqual([expect.objectContaining({ path: 'entity' })]);
  });

  test('is refused in a generic graph', () => {
    expect(resolveEntity({ kind: 'generic', entity, createEntity: true, schema }).issues).toHaveLength(1);
    expect(resolveEntity({ kind: 'generic', entity: null, createEntity: true, schema }).issues).toEqual([]);
  });
});
