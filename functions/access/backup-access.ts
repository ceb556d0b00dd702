import type { Backup, BackupKey, BackupStore } from '../../domain/backup/backup.ts';
import { Refusal } from '../../domain/failure.ts';

/**
 * A backup of a graph. Another graph's does not exist.
 * @throws {Refusal} `not_found`
 */
export const backupOfGraph = async (backups: Pick<BackupStore, 'get'>, key: BackupKey): Promise<Backup> => {
  const backup = await backups.get(key);
  if (backup === undefined) throw new Refusal('not_found', `There is no backup "${key.backupId}" of this graph.`);
  return backup;
};
