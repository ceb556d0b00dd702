import * as z from 'zod';
import { BACKUP_KINDS, RETENTION } from '../../domain/backup/backup.ts';
import { Cursor, Limit, pageOf, Timestamp } from './common.ts';
import { GraphPath } from './graphs.ts';

export const BackupPath = GraphPath.extend({ backupId: z.string().regex(/^bk_[0-9A-Z]{26}$/) });
export const ListBackups = z.strictObject({ limit: Limit, cursor: Cursor });

const kept = BACKUP_KINDS.map((kind) => `${kind} ${RETENTION[kind].days}`).join(', ');

export const BackupView = z
  .strictObject({
    backupId: z.string(),
    graphId: z.string(),
    kind: z
      .enum(BACKUP_KINDS)
      .meta({ description: '`system`: what a restore replaced; `deletion`: what was there at last.' }),
    createdAt: Timestamp,
    expiresAt: Timestamp.meta({ description: `Days that backups are kept: ${kept}.` }),
    bytes: z.int(),
    checksum: z.string().meta({ description: 'SHA-256, hexadecimal.' }),
    snapshotVersion: z.int(),
    operationId: z.string(),
    links: z.strictObject({ self: z.string(), download: z.string(), restore: z.string(), graph: z.string() }),
  })
  .meta({ id: 'Backup' });
export type BackupView = z.infer<typeof BackupView>;

export const BackupPage = pageOf('backups', BackupView)
  .extend({
    stats: z
      .strictObject({ count: z.int(), bytes: z.int(), newest: Timestamp.nullable() })
      .meta({ description: 'Of all backups of the graph.' }),
  })
  .meta({ id: 'BackupPage' });

export const BackupDownload = z
  .strictObject({ url: z.string(), expiresAt: Timestamp, bytes: z.int(), checksum: z.string() })
  .meta({ id: 'BackupDownload', description: 'The URL answers the file; compare its SHA-256.' });
