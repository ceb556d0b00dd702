import type { BackupStore } from '../domain/backup/backup.ts';
import { BackupSchedule } from '../domain/backup/backup-schedule.ts';
import { DynamoBackupStore } from '../domain/backup/dynamo-backup-store.ts';
import type { ObjectStore } from '../domain/snapshot/object-store.ts';
import { openObjectStore } from '../domain/snapshot/open-object-store.ts';
import { flagStore, graphStore, instanceStore, operationCommands, pauseGate, table } from './dependencies.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };
type HasStores = HasControlTable & { OBJECT_STORE_URL: string };

export const backupStore = (environment: HasControlTable): BackupStore => new DynamoBackupStore(table(environment));

/** Removes every backup of a graph: the object before the record, by which it is found. */
export const removesBackups = (environment: HasStores) => {
  const backups = backupStore(environment);
  const objects: ObjectStore = openObjectStore(environment.OBJECT_STORE_URL);
  return async (graphId: string): Promise<void> => {
    for (const backup of await backups.listAll(graphId)) {
      await objects.remove(backup.key);
      await backups.remove(backup);
    }
  };
};

export const backupSchedule = (environment: HasStores & { STATE_MACHINE_ARN_PREFIX: string }) =>
  new BackupSchedule({
    backups: backupStore(environment),
    objects: openObjectStore(environment.OBJECT_STORE_URL),
    instances: instanceStore(environment),
    graphs: graphStore(environment),
    commands: operationCommands(environment),
    pauses: pauseGate(environment),
    flags: flagStore(environment),
  });
