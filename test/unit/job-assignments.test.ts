import { expect, test } from 'vitest';
import { leaseKindOf } from '../../domain/fleet/job-assignments.ts';

test('an insert into a table is counted as one, by the same code as a create', () => {
  expect(leaseKindOf('stage-table', { kind: 'table.create' })).toBe('bulk_table_create');
  expect(leaseKindOf('stage-table', { kind: 'table.insert' })).toBe('bulk_table_insert');
  expect(leaseKindOf('materialize', { kind: 'graph.materialize' })).toBe('materialization');
});
