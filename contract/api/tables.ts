import * as z from 'zod';
import { FILE_COMPRESSIONS, FILE_FORMATS, FILE_STATES, MAX_FILE_BYTES } from '../../domain/table/table-file.ts';
import { FILE_KEPT_DAYS } from '../../domain/table/uploads.ts';
import { Cursor, Limit, pageOf, Timestamp } from './common.ts';
import { GraphPath } from './graphs.ts';

export const TablePath = GraphPath.extend({ table: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/) });
export const FilePath = TablePath.extend({ fileId: z.string().regex(/^file_[0-9A-Z]{26}$/) });
export const ListFiles = z.strictObject({ limit: Limit, cursor: Cursor });

export const RegisterFile = z
  .strictObject({
    fileName: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .regex(/^[^\p{Cc}/\\]+$/u, 'Use no slashes and no control characters.'),
    format: z
      .enum(FILE_FORMATS)
      .nullable()
      .default(null)
      .meta({ description: 'Null: as the name says. `json` is an array of objects, `ndjson` one object a line.' }),
    compression: z
      .enum(FILE_COMPRESSIONS)
      .nullable()
      .default(null)
      .meta({ description: 'Null: gzip when the name ends with .gz.' }),
    delimiter: z
      .string()
      .length(1)
      .regex(/^[^"\r\n]$/, 'Use another character.')
      .nullable()
      .default(null)
      .meta({ description: 'Of CSV. Null: a comma.' }),
    bytes: z
      .int()
      .min(1)
      .meta({ description: `How long the file is as it is sent; ${MAX_FILE_BYTES} bytes at most (413).` }),
    checksum: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'Use the SHA-256 in 64 hexadecimal digits.')
      .nullable()
      .default(null)
      .meta({ description: 'SHA-256, hexadecimal: other bytes than these are refused.' }),
  })
  .meta({ id: 'RegisterFile' });
export type RegisterFile = z.infer<typeof RegisterFile>;

export const FileView = z
  .strictObject({
    fileId: z.string(),
    table: z.string(),
    fileName: z.string(),
    format: z.enum(FILE_FORMATS),
    compression: z.enum(FILE_COMPRESSIONS),
    delimiter: z.string().nullable(),
    bytes: z.int(),
    checksum: z.string().nullable(),
    state: z.enum(FILE_STATES),
    stagedBy: z.string().nullable().meta({ description: 'The operation that staged it last.' }),
    createdAt: Timestamp,
    keptUntil: Timestamp.meta({
      description: `A file is kept for ${FILE_KEPT_DAYS} days; what was staged of it stays.`,
    }),
    links: z.strictObject({ self: z.string(), table: z.string() }),
  })
  .meta({ id: 'File' });
export type FileView = z.infer<typeof FileView>;

export const FilePage = pageOf('files', FileView).meta({ id: 'FilePage' });

export const RegisteredFile = FileView.extend({
  upload: z.strictObject({
    method: z.literal('PUT'),
    url: z.string(),
    headers: z.record(z.string(), z.string()).meta({ description: 'All of them have to be sent as they are.' }),
    expiresAt: Timestamp,
  }),
}).meta({ id: 'RegisteredFile', description: 'Send just `bytes` bytes by `upload`, once.' });

const Column = z.strictObject({
  name: z.string(),
  type: z.string(),
  isKey: z.boolean().meta({ description: 'It can not be null: a primary key, or an end of a relationship.' }),
});

export const TableSource = z
  .strictObject({
    kind: z.enum(['query', 'snapshot']),
    graphId: z.string(),
    snapshotVersion: z.int().meta({ description: 'The version of its snapshot that was read.' }),
  })
  .meta({ id: 'TableSource' });

const TABLE_STATES = ['empty', 'staging', 'staged'] as const;

export const TableView = z
  .strictObject({
    name: z.string(),
    kind: z.enum(['node', 'relationship']),
    columns: z.array(Column),
    state: z.enum(TABLE_STATES),
    version: z.int().meta({ description: 'Counts what was staged into it; 0 for nothing.' }),
    rows: z.int(),
    bytes: z.int(),
    stagedBy: z.string().nullable(),
    stagedAt: Timestamp.nullable(),
    source: TableSource.nullable().meta({
      description: 'What its rows were derived from when it was materialized. Null: they were staged from files.',
    }),
    operationId: z.string().nullable().meta({ description: 'The operation that stages it now.' }),
    pendingFiles: z.int().meta({ description: 'Files that wait to be staged.' }),
    links: z.strictObject({ self: z.string(), files: z.string(), graph: z.string() }),
  })
  .meta({ id: 'Table' });
export type TableView = z.infer<typeof TableView>;

export const TableList = z.strictObject({ tables: z.array(TableView) }).meta({ id: 'TableList' });

export const FreshnessView = z
  .strictObject({
    stale: z.boolean(),
    staleSince: Timestamp.nullable(),
    reason: z.string().nullable(),
    snapshotVersion: z.int().nullable(),
    materializedAt: Timestamp.nullable().meta({ description: 'Null: the snapshot is as the graph was created.' }),
    tables: z
      .array(
        z.strictObject({
          name: z.string(),
          rows: z.int().meta({ description: 'As it is staged.' }),
          version: z.int(),
          materializedVersion: z.int().meta({ description: 'The version that the snapshot has; 0 for none.' }),
          source: TableSource.nullable().meta({ description: 'What the rows were derived from; null: files.' }),
        }),
      )
      .meta({ description: 'The tables that were ever staged, or that the snapshot was made from.' }),
  })
  .meta({ id: 'Freshness' });
export type FreshnessView = z.infer<typeof FreshnessView>;
