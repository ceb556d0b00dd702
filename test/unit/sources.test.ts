import { describe, expect, test } from 'vitest';
import { tablesWith, withDerived } from '../../domain/materialization/materialization.ts';
import { derivationsOf, type MaterializationSource } from '../../domain/materialization/sources.ts';
import { emptyTable } from '../../domain/table/table.ts';

const key = (name: string) => ({ name, type: 'STRING', primaryKey: true });
const schema = (nodes: string[][], relationships: string[] = []) => ({
  name: 'test',
  version: '1.0.0',
  extends: null,
  extensions: [],
  nodes: nodes.map(([name = '', id = '', ...others]) => ({
    name,
    properties: [key(id), ...others.map((other) => ({ ...key(other), primaryKey: false }))],
  })),
  relationships: relationships.map((name) => ({ name, from: 'Company', to: 'Company', properties: [] })),
});

const own = {
  graphId: 'kg1',
  schema: schema(
    [
      ['Company', 'id', 'name'],
      ['Person', 'id'],
    ],
    ['OWNS'],
  ),
};
const derived = (sources: MaterializationSource[], their = own.schema) =>
  derivationsOf(
    own,
    sources,
    new Map([
      ['kg1', own],
      ['kg2', { graphId: 'kg2', schema: their }],
    ]),
  );
const all = { kind: 'snapshot', graphId: 'kg2', tables: [], excludePatterns: [] } as const;

const refused = (path: string) => expect.objectContaining({ issues: [expect.objectContaining({ path })] }) as Error;

describe('what is derived from a snapshot', () => {
  test('is every table that both graphs have, or those that are named, without those that are excluded', () => {
    const their = schema(
      [
        ['Company', 'ID'],
        ['Place', 'id'],
      ],
      ['OWNS'],
    );
    const tables = (more: object) => derived([{ ...all, ...more }], their).map(({ table }) => table);
    expect(tables({})).toEqual(['Company', 'OWNS']);
    expect(tables({ tables: ['OWNS'] })).toEqual(['OWNS']);
    expect(tables({ excludePatterns: ['OW*'] })).toEqual(['Company']);
  });

  test.each([
    ['of another kind', schema([['OWNS', 'id']])],
    ['with a column that is not here', schema([['Company', 'id', 'founded']])],
    ['without a key that is here', schema([['Company', 'name']])],
    ['of no name that is here', schema([['Place', 'id']])],
  ])('is refused for a table %s', (_, their) => {
    expect(() => derived([all], their)).toThrow(refused('sources.0.tables'));
  });
});

test('a graph can be its own source, and a table has one source', () => {
  const query = { kind: 'query', table: 'Person', graphId: null, cypher: 'RETURN 1', parameters: {} } as const;
  expect(derived([query])).toEqual([
    { table: 'Person', graphId: 'kg1', query: { cypher: 'RETURN 1', parameters: {} } },
  ]);
  const twice = [query, { ...all, tables: ['Person'] }];
  expect(() => derived(twice)).toThrow(refused('sources.1'));
});

test('what is derived is loaded as its next version, beside what was asked for', () => {
  const part = { key: 'k', rows: 1, bytes: 1, checksum: 'c' };
  const staged = [{ ...emptyTable('kg1', 'Company'), version: 3 }];
  const next = ['Company', 'Person'].map((table) => ({ table, version: 4, part }));
  expect(withDerived('kg1', staged, next)).toMatchObject(
    next.map(({ table }) => ({ table, version: 4, parts: [part] })),
  );
  expect(tablesWith({ tables: null }, next)).toEqual({ tables: null });
  expect(tablesWith({ tables: ['OWNS'] }, next)).toEqual({ tables: ['OWNS', 'Company', 'Person'] });
});
