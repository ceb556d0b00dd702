import * as z from 'zod';
import { Timestamp } from './common.ts';
import { GraphPath } from './graphs.ts';
import { OperationPath } from './operations.ts';

const MAX_FILES = 100;
const MAX_TABLES = 500;

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

export const Materialize = z
  .strictObject({
    force: z.boolean().default(false).meta({ description: 'True: also when the graph is not stale.' }),
    rebuild: z
      .boolean()
      .default(false)
      .meta({ description: 'True: all tables anew as they are staged, also when the graph is not stale.' }),
    ignoreErrors: IgnoreErrors,
    dryRun: z.boolean().default(false).meta({ description: 'True: only the plan, as a 200.' }),
    tables: z
      .array(z.string())
      .min(1)
      .max(MAX_TABLES)
      .nullable()
      .default(null)
      .meta({ description: 'Only these as they are staged; the others stay as the snapshot has them. Null: all.' }),
  })
  .refine(({ rebuild, tables }) => !(rebuild && tables !== null), {
    path: ['tables'],
    message: 'A rebuild is of all tables; leave out one of both.',
  })
  .meta({ id: 'Materialize' });

export const MaterializationPlan = z
  .strictObject({
    stale: z.boolean(),
    wouldSkip: z.boolean().meta({ description: 'There is nothing new, and neither `force` nor `rebuild`.' }),
    snapshotVersion: z.int().nullable(),
    tables: z
      .array(
        z.strictObject({
          table: z.string(),
          kind: z.enum(['node', 'relationship']),
          version: z.int(),
          rows: z.int(),
          bytes: z.int(),
        }),
      )
      .meta({ description: 'In the order in which they are loaded.' }),
    rows: z.int(),
    bytes: z.int(),
    limits: z.strictObject({ rowsPerTable: z.int(), rows: z.int(), bytes: z.int() }),
  })
  .meta({ id: 'MaterializationPlan' });
export type MaterializationPlan = z.infer<typeof MaterializationPlan>;

export const ReportPath = GraphPath.extend(OperationPath.shape);

export const LoadReport = z.strictObject({ url: z.string(), expiresAt: Timestamp }).meta({
  id: 'LoadReport',
  description: 'The URL answers NDJSON: an object for each row, with table, row and reason.',
});
