import type { Page, PageRequest } from '../page.ts';

/** Where a rotation through a listing is kept between runs. */
export interface RotationStore {
  /** The cursor at which the next turn goes on; null at the beginning. */
  get(name: string): Promise<string | null>;
  put(name: string, cursor: string | null): Promise<void>;
}

/**
 * The next `limit` items of a listing, beginning again when it has come to the end: the same work every turn, however
 * much there is, and everything has its turn. Two turns at once may get the same items.
 */
export const nextTurn = async <Item>(
  rotations: RotationStore,
  name: string,
  limit: number,
  list: (page: PageRequest) => Promise<Page<Item>>,
): Promise<Item[]> => {
  const cursor = await rotations.get(name);
  const { items, cursor: next } = await list({ limit, cursor: cursor ?? undefined });
  if (next !== cursor) await rotations.put(name, next);
  return items;
};
