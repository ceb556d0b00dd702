import { BackupDownload, BackupPage, BackupPath, BackupView, ListBackups } from './backups.ts';
import { defineRoute, plain } from './define-route.ts';
import { GraphPath } from './graphs.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

const ACCEPTED = { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } };

export const createBackupRoute = defineRoute({
  ...plain,
  function: 'create-backup',
  method: 'POST',
  path: '/v1/graphs/{graphId}/backups',
  summary: 'Back up a graph as it is now',
  scope: 'graphs:write',
  params: GraphPath,
  idempotent: true,
  answers: ACCEPTED,
});

export const listBackupsRoute = defineRoute({
  ...plain,
  function: 'list-backups',
  method: 'GET',
  path: '/v1/graphs/{graphId}/backups',
  summary: 'List the backups of a graph, newest first',
  scope: 'graphs:read',
  params: GraphPath,
  query: ListBackups,
  answers: { 200: { description: 'A page of backups.', schema: BackupPage } },
});

export const getBackupRoute = defineRoute({
  ...plain,
  function: 'get-backup',
  method: 'GET',
  path: '/v1/graphs/{graphId}/backups/{backupId}',
  summary: 'Get a backup',
  scope: 'graphs:read',
  params: BackupPath,
  answers: { 200: { description: 'The backup.', schema: BackupView } },
});

export const downloadBackupRoute = defineRoute({
  ...plain,
  function: 'download-backup',
  method: 'GET',
  path: '/v1/graphs/{graphId}/backups/{backupId}/download',
  summary: 'Get where to download a backup',
  scope: 'graphs:read',
  audited: true,
  params: BackupPath,
  answers: { 200: { description: 'Where it is.', schema: BackupDownload } },
});

export const deleteBackupRoute = defineRoute({
  ...plain,
  function: 'delete-backup',
  method: 'DELETE',
  path: '/v1/graphs/{graphId}/backups/{backupId}',
  summary: 'Delete a backup',
  scope: 'graphs:write',
  audited: true,
  params: BackupPath,
  answers: { 204: { description: 'It is deleted.' } },
});

export const restoreBackupRoute = defineRoute({
  ...plain,
  function: 'restore-backup',
  method: 'POST',
  path: '/v1/graphs/{graphId}/backups/{backupId}/restore',
  summary:
    'Make a graph what a backup of it was; what it is now is backed up first, and it answers queries all the time',
  scope: 'graphs:write',
  params: BackupPath,
  idempotent: true,
  answers: ACCEPTED,
});

/** Backups of graphs. */
export const BACKUP_ROUTES: readonly Route[] = [
  createBackupRoute,
  listBackupsRoute,
  getBackupRoute,
  downloadBackupRoute,
  deleteBackupRoute,
  restoreBackupRoute,
];
