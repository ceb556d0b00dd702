import type { BackupStore } from '../../domain/backup/backup.ts';
import { BackupSchedule } from '../../domain/backup/backup-schedule.ts';
import { DynamoBackupStore } from '../../domain/backup/dynamo-backup-store.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasObjects, HasWorkflows } from './environment.ts';
import { flagStore } from './flags.ts';
import { instanceStore } from './fleet.ts';
import { graphStore } from './graph.ts';
import { pauseGate } from './lease.ts';
import { operationCommands } from './operation.ts';

export const backupStore = (environment: HasControlTable): BackupStore => new DynamoBackupStore(table(environment));
export const backupSchedule = (environment: HasControlTable & HasObjects & HasWorkflows) =>
  new BackupSchedule({
    backups: backupStore(environment),
    objects: openObjectStore(environment.OBJECT_STORE_URL),
    instances: instanceStore(environment),
    graphs: graphStore(environment),
    commands: operationCommands(environment),
    pauses: pauseGate(environment),
    flags: flagStore(environment),
  });
