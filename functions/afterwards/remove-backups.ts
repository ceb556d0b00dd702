import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { backupStore } from '../wiring/backup.ts';
import type { HasControlTable, HasObjects } from '../wiring/environment.ts';

/** Removes every backup of a graph: the object before the record, by which it is found. */
export const removesBackups = (environment: HasControlTable & HasObjects) => {
  const backups = backupStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async (graphId: string): Promise<void> => {
    for (const backup of await backups.listAll(graphId)) {
      await objects.remove(backup.key);
      await backups.remove(backup);
    }
  };
};
