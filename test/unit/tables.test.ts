import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { Snapshot, SnapshotSource } from '../../domain/snapshot/snapshot.ts';
import { freshnessOf, sourceOf } from '../../domain/table/freshness.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import {
  claimed,
  emptyTable,
  type GraphTable,
  KEPT_CLAIMS,
  newPartKey,
  obsoleteParts,
  published,
  released,
} from '../../domain/table/table.ts';
import { formatOf } from '../../domain/table/table-file.ts';
import { publicationOn } from '../fixtures/publications.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const part = (key: string) => ({ key, rows: 10, bytes: 100, checksum: 'c' });

/** Stages a table once more, as an operation does that finds nobody in its way. */
const staged = (table: GraphTable, operationId: string, minute: number, mode: 'create' | 'insert' = 'create') => {
  const parts = [part(newPartKey(table))];
  const after = published(
    claimed(table, operationId) as GraphTable,
    publicationOn(table, { operationId, mode, parts }),
    at(minute),
  );
  return after as GraphTable;
};

const graphWith = (source?: SnapshotSource) => ({
  snapshot: { version: 3, key: 'k', checksum: 'c', bytes: 1, ...(source && { source }) } satisfies Snapshot,
});

describe('a file says what it is by what is said of it, or by its name', () => {
  test.each([
    ['rows.csv', 'csv', 'none'],
    ['rows.CSV.gz', 'csv', 'gzip'],
    ['rows.jsonl', 'ndjson', 'none'],
    ['rows.ndjson.gz', 'ndjson', 'gzip'],
    ['a.b.json', 'json', 'none'],
    ['rows.parquet', 'parquet', 'none'],
  ])('%s is %s with compression %s', (fileName, format, compression) => {
    expect(formatOf({ fileName, format: null, compression: null })).toEqual({ format, compression, issues: [] });
  });

  test('a name that tells nothing is as it is said to be', () => {
    const said = { fileName: 'export', format: 'csv', compression: 'gzip' } as const;
    expect(formatOf(said)).toEqual({ format: 'csv', compression: 'gzip', issues: [] });
    // Every object has a constructor; no format is one.
    for (const fileName of ['export', 'rows.constructor', 'rows.txt'])
      expect(formatOf({ fileName, format: null, compression: null }).issues).toMatchObject([{ path: 'format' }]);
  });

  test('a name that tells otherwise is an issue', () => {
    const issues = (fileName: string, format: 'csv' | 'parquet' | null, compression: 'none' | 'gzip' | null) =>
      formatOf({ fileName, format, compression }).issues.map(({ path }) => path);
    expect(issues('rows.csv', 'parquet', null)).toEqual(['format']);
    expect(issues('rows.csv.gz', 'csv', 'none')).toEqual(['compression']);
    expect(issues('rows.parquet.gz', null, null)).toEqual(['compression']);
    expect(issues('rows.parquet', null, 'gzip')).toEqual(['compression']);
  });
});

describe('a table', () => {
  test('is created anew or added to, and both are a version', () => {
    const first = staged(emptyTable('kg1', 'Company'), 'op_1', 1);
    const second = staged(first, 'op_2', 2, 'insert');
    const third = staged(second, 'op_3', 3);
    expect([first.version, second.version, third.version]).toEqual([1, 2, 3]);
    expect([first.parts.length, second.parts.length, third.parts.length]).toEqual([1, 2, 1]);
    expect(third.writer).toBeNull();
  });

  test('remembers of ended claims the newest', () => {
    let table = emptyTable('kg1', 'Company');
    for (let n = 0; n <= KEPT_CLAIMS; n += 1) table = released(table, `op_${n}`, { version: null, at: at(n) });
    expect(Object.keys(table.ended)).toHaveLength(KEPT_CLAIMS);
    expect(claimed(table, `op_${KEPT_CLAIMS}`)).toBeUndefined();
    expect(claimed(table, 'op_new')).toMatchObject({ writer: 'op_new' });
  });

  test('names its parts; what it does not name is obsolete, but not what is being staged', () => {
    const first = staged(emptyTable('kg1', 'Company'), 'op_1', 1);
    const second = staged(first, 'op_2', 2);
    const lost = newPartKey(first);
    const coming = newPartKey(second);
    const other = newPartKey(emptyTable('kg1', 'CompanyGroup'));
    const keys = [first, second].flatMap(({ parts }) => parts.map(({ key }) => key));
    expect(obsoleteParts(second, [...keys, lost, coming, other])).toEqual([first.parts[0]?.key, lost]);
  });

  test('that the schema has not is told with those that it has', () => {
    const id = { name: 'id', type: 'INT64', primaryKey: true };
    const schema: ResolvedSchema = {
      name: 's',
      version: '1.0.0',
      extends: null,
      extensions: [],
      nodes: [{ name: 'Company', properties: [id] }],
      relationships: [{ name: 'OWNS', from: 'Company', to: 'Company', properties: [] }],
    };
    expect(tableNamed(schema, 'OWNS').columns).toEqual([
      { name: 'from', type: 'INT64', isKey: true },
      { name: 'to', type: 'INT64', isKey: true },
    ]);
    for (const name of ['company', 'constructor'])
      expect(() => tableNamed(schema, name)).toThrow(
        expect.objectContaining({ code: 'not_found', message: expect.stringContaining('Company, OWNS') }),
      );
  });
});

describe('freshness', () => {
  const company = staged(emptyTable('kg1', 'Company'), 'op_1', 1);
  const owns = staged(emptyTable('kg1', 'OWNS'), 'op_2', 2);
  const loaded = sourceOf(undefined, [company, owns], { operationId: 'op_m', at: at(5) });

  test('a graph without staged tables is fresh, and so is one whose snapshot has them as they are', () => {
    expect(freshnessOf({ snapshot: null }, [])).toMatchObject({ stale: false, snapshotVersion: null });
    expect(freshnessOf(graphWith(), [emptyTable('kg1', 'Company')])).toMatchObject({ stale: false });
    expect(freshnessOf(graphWith(loaded), [company, owns])).toEqual({
      stale: false,
      staleSince: null,
      staleReason: null,
      snapshotVersion: 3,
      materializedAt: at(5),
      changed: [],
    });
  });

  test('a graph is stale since the first change that its snapshot does not have', () => {
    expect(freshnessOf(graphWith(), [owns, company])).toMatchObject({ stale: true, staleSince: at(1) });
    const twice = staged(staged(company, 'op_3', 7), 'op_4', 9);
    expect(freshnessOf(graphWith(loaded), [twice, owns])).toMatchObject({
      stale: true,
      staleSince: at(7),
      staleReason: 'Staged since the snapshot: Company.',
    });
  });

  test('what is staged while a materialization runs leaves the graph stale', () => {
    // It started from `company`; by the time that it publishes, there is more.
    const meanwhile = staged(company, 'op_3', 4, 'insert');
    expect(freshnessOf(graphWith(loaded), [meanwhile, owns])).toMatchObject({ stale: true, staleSince: at(4) });
  });

  test('a materialization of some tables leaves the others as they were, and a restore is as stale as it is old', () => {
    const newer = staged(company, 'op_3', 7);
    const part = sourceOf(loaded, [newer], { operationId: 'op_n', at: at(8) });
    expect(freshnessOf(graphWith(part), [newer, owns])).toMatchObject({ stale: false, materializedAt: at(8) });
    expect(freshnessOf(graphWith(loaded), [newer, owns])).toMatchObject({ stale: true, changed: ['Company'] });
  });

  test('whatever is staged and materialized in turns, the graph is stale just when a table is newer', () => {
    const Name = fc.constantFrom('Company', 'OWNS', 'constructor');
    const step = fc.oneof(fc.record({ stage: Name }), fc.record({ load: fc.uniqueArray(Name, { minLength: 1 }) }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const tables = new Map<string, GraphTable>();
        const fresh = new Map<string, number>();
        let source: SnapshotSource | undefined;
        const tableOf = (name: string) => tables.get(name) ?? emptyTable('kg1', name);
        for (const [minute, next] of steps.entries()) {
          if ('stage' in next) {
            tables.set(next.stage, staged(tableOf(next.stage), `op_${minute}`, minute));
            if (!fresh.has(next.stage)) fresh.set(next.stage, minute);
          } else {
            source = sourceOf(source, next.load.map(tableOf), { operationId: `op_${minute}`, at: at(minute) });
            for (const name of next.load) fresh.delete(name);
          }
        }
        const { stale, staleSince } = freshnessOf(graphWith(source), [...tables.values()]);
        expect(stale).toBe(fresh.size > 0);
        expect(staleSince).toBe(fresh.size > 0 ? at(Math.min(...fresh.values())) : null);
      }),
    );
  });
});
