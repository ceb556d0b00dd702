import type { ObjectStore } from './object-store.ts';

/** Removes every object whose key has a prefix. */
export const removeAll = async (objects: ObjectStore, prefix: string): Promise<void> => {
  for (const key of await objects.list(prefix)) await objects.remove(key);
};
