import { expect, test } from 'vitest';
import { CreateGraph } from '../../contract/api/graphs.ts';
import { endOfFork, type ForkRequest, forkPlanOf, unknownTables } from '../../domain/graph/fork.ts';
import { resolveSchema } from '../../domain/graph/resolve-schema.ts';
import { companiesGraph } from '../fixtures/graph-requests.ts';

const { schema } = resolveSchema(CreateGraph.parse(companiesGraph()));

test.each<[what: string, request: ForkRequest, tables: string[], withoutEnds: string[]]>([
  [
    'nothing is named',
    { tables: [], excludePatterns: [] },
    ['Company', 'Entity', 'OWNS', 'Person', 'RELATED_TO', 'WORKS_AT'],
    [],
  ],
  [
    'a table and its relationship are named',
    { tables: ['OWNS', 'Company'], excludePatterns: [] },
    ['Company', 'OWNS'],
    [],
  ],
  ['a relationship is named without its nodes', { tables: ['OWNS'], excludePatterns: [] }, [], ['OWNS']],
  [
    'one end of a relationship is not named',
    { tables: ['Company', 'WORKS_AT'], excludePatterns: [] },
    ['Company'],
    ['WORKS_AT'],
  ],
  [
    'a pattern is a name',
    { tables: [], excludePatterns: ['Entity', 'RELATED_TO'] },
    ['Company', 'OWNS', 'Person', 'WORKS_AT'],
    [],
  ],
  [
    'a pattern matches the beginning',
    { tables: ['Company', 'Person', 'OWNS'], excludePatterns: ['P*'] },
    ['Company', 'OWNS'],
    [],
  ],
  ['a pattern matches the end', { tables: ['Company', 'Person'], excludePatterns: ['*y'] }, ['Person'], []],
  ['a pattern matches all', { tables: ['Company'], excludePatterns: ['*'] }, [], []],
  [
    'a pattern is part of a name, and so none',
    { tables: ['Company'], excludePatterns: ['omp', 'company'] },
    ['Company'],
    [],
  ],
])('when %s', (_, request, tables, withoutEnds) => {
  const plan = forkPlanOf(schema, request);
  expect(plan.tables.map(({ name }) => name).sort()).toEqual(tables);
  expect(plan.withoutEnds.map(({ name }) => name)).toEqual(withoutEnds);
});

test('tables that are not there are told by their places', () => {
  expect(unknownTables(schema, { tables: ['Company', 'company', 'constructor'], excludePatterns: [] })).toEqual([
    { path: 'fork.tables.1', message: 'The graph has no table "company".' },
    { path: 'fork.tables.2', message: 'The graph has no table "constructor".' },
  ]);
});

test('a fork that lacks rows which it was to have is partial, and says how many', () => {
  const company = { table: 'Company', kind: 'node', rows: 3, rejected: 0 } as const;
  const worksAt = { table: 'WORKS_AT', kind: 'relationship', rows: 0, rejected: 2 } as const;
  expect(endOfFork('kg1', { parentVersion: 4, tables: [company] })).toMatchObject({ type: 'succeeded' });
  expect(endOfFork('kg1', { parentVersion: 4, tables: [company, worksAt] })).toEqual({
    type: 'partial',
    message: 'Forked with 3 rows; 2 relationships lack a node',
    result: { graphId: 'kg1', parentVersion: 4, tables: [company, worksAt], rows: 3, rejected: 2 },
  });
});
