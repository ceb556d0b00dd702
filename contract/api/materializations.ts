import * as z from 'zod';
import { Timestamp } from './common.ts';
import { Fork, GraphPath } from './graphs.ts';
import { OperationPath } from './operations.ts';
import { QueryGraph } from './query.ts';
import { TableSource } from './tables.ts';

const MAX_FILES = 100;
const MAX_TABLES = 500;
const MAX_SOURCES = 50;

const IgnoreErrors = z
  .boolean()
  .default(false)
  .meta({ description: 'True: rows that are wrong are left out and told, and the operation ends `partial`.' });

export const StageTable = z
  .strictObject({
    fileIds: z
      .array(z.string().regex(/^file_[0-9A-Z]{26}$/))
      .min(1)
      .max(MAX_FILES)
      .refine((ids) => new Set(ids).size === ids.length, 'Name each file once.'),
    mode: z
      .enum(['create', 'insert'])
      .meta({ description: '`create` replaces what is staged of the table, `insert` adds to it.' }),
    ignoreErrors: IgnoreErrors,
  })
  .meta({ id: 'StageTable' });

const { graphId: GraphId } = GraphPath.shape;

const QuerySource = z.strictObject({
  kind: z.literal('query'),
  table: z.string().meta({ description: 'The table whose rows are the rows of the answer.' }),
  graphId: GraphId.nullable().default(null).meta({ description: 'The graph that is asked. Null: this one.' }),
  cypher: QueryGraph.shape.cypher.meta({
    description:
      "Read-only; its RETURN names the table's columns: `RETURN n.id AS id`, of a relationship `from` and `to` as well.",
  }),
  parameters: QueryGraph.shape.parameters,
});

const SnapshotSource = z.strictObject({
  kind: z.literal('snapshot'),
  graphId: GraphId,
  tables: Fork.shape.tables.meta({ description: 'By name. Empty: all that both graphs have.' }),
  excludePatterns: Fork.shape.excludePatterns,
});

const Source = z.discriminatedUnion('kind', [QuerySource, SnapshotSource]).meta({
  id: 'MaterializationSource',
  description:
    'Tables are made of what a graph has, its snapshot as it is when the work begins, and then stay as if they had been staged. ' +
    'A graph of your own, or a repository that you have access to.',
});

export const Materialize = z
  .strictObject({
    force: z.boolean().default(false).meta({ description: 'True: also when the graph is not stale.' }),
    rebuild: z
      .boolean()
      .default(false)
      .meta({ description: 'True: all tables anew as they are staged, also when the graph is not stale.' }),
    ignoreErrors: IgnoreErrors,
    dryRun: z.boolean().default(false).meta({ description: 'True: only the plan, as a 200.' }),
    tables: z.array(z.string()).min(1).max(MAX_TABLES).nullable().default(null).meta({
      description:
        'Only these, and those of `sources`, as they are staged; the others stay as the snapshot has them. Null: all.',
    }),
    sources: z
      .array(Source)
      .max(MAX_SOURCES)
      .default([])
      .meta({ description: 'What tables are derived from first, each anew. Empty: all are as they are staged.' }),
  })
  .refine(({ rebuild, tables }) => !(rebuild && tables !== null), {
    path: ['tables'],
    message: 'A rebuild is of all tables; leave out one of both.',
  })
  .refine(({ force, rebuild, sources }) => sources.length === 0 || !(force || rebuild), {
    path: ['sources'],
    message: 'A graph is never up to date with sources; leave out force and rebuild.',
  })
  .meta({ id: 'Materialize' });

export const MaterializationPlan = z
  .strictObject({
    stale: z.boolean(),
    wouldSkip: z.boolean().meta({ description: 'There is nothing new, and neither `force`, `rebuild` nor `sources`.' }),
    snapshotVersion: z.int().nullable(),
    tables: z
      .array(
        z.strictObject({
          table: z.string(),
          kind: z.enum(['node', 'relationship']),
          version: z.int(),
          rows: z.int().nullable().meta({ description: 'Null: known when it is derived.' }),
          bytes: z.int().nullable(),
          source: TableSource.nullable().meta({ description: 'What it would be derived from, as that is now.' }),
        }),
      )
      .meta({ description: 'In the order in which they are loaded.' }),
    rows: z.int().meta({ description: 'Without those that are derived.' }),
    bytes: z.int(),
    limits: z.strictObject({ rowsPerTable: z.int(), rows: z.int(), bytes: z.int() }),
  })
  .meta({ id: 'MaterializationPlan' });
export type MaterializationPlan = z.infer<typeof MaterializationPlan>;

export const ReportPath = GraphPath.extend(OperationPath.shape);

export const LoadReport = z.strictObject({ url: z.string(), expiresAt: Timestamp }).meta({
  id: 'LoadReport',
  description:
    'The URL answers NDJSON: an object for each row, with table, row and reason. With `source`, the id of a graph, the row was ' +
    'left out when the table was derived, and is counted there; of each table the first 10,000 of these are told.',
});
