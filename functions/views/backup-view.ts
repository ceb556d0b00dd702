import type { BackupView } from '../../contract/api/backups.ts';
import type { Backup } from '../../domain/backup/backup.ts';

export const backupView = (backup: Backup): BackupView => {
  const { graphId, backupId, kind, createdAt, keptUntil, bytes, checksum, snapshotVersion, operationId } = backup;
  const graph = `/v1/graphs/${graphId}`;
  const self = `${graph}/backups/${backupId}`;
  return {
    backupId,
    graphId,
    kind,
    createdAt,
    expiresAt: keptUntil,
    bytes,
    checksum,
    snapshotVersion,
    operationId,
    links: { self, download: `${self}/download`, restore: `${self}/restore`, graph },
  };
};
