import { createRequire } from 'node:module';

/** What dynalite uses of its database, and what is used here. */
type Level = {
  readonly status: string;
  get(key: string): Promise<unknown>;
  getSync(key: string): unknown;
  values(options: object): Values;
};
type Values = { nextv(size: number): Promise<unknown[]>; close(): Promise<void> };
export type LevelClass = new (path: string, options: object) => Level;

/** As many as dynalite's streams hold ready. */
const READ_AHEAD = 16;

/**
 * Gives dynalite a database that it can use as it does. Call it before dynalite is loaded.
 *
 * dynalite ends what it iterates over by `return()`, which Level's iterators do not have, so every query would leave one
 * open: its buffer, and all that LevelDB keeps for its snapshot, a megabyte for each graph that is made. And what is in
 * LevelDB's own memory is read at once: the way to another thread and back costs more than the look.
 */
export const tameLevel = (dynalite: string): void => {
  const modules: { Level: LevelClass } = createRequire(dynalite)('level');
  modules.Level = class extends modules.Level {
    override async get(key: string): Promise<unknown> {
      return this.status === 'open' ? this.getSync(key) : super.get(key);
    }

    override values(options: object) {
      const iterator = super.values(options);
      let ahead: unknown[] = [];
      const next = async (): Promise<unknown> => {
        if (ahead.length === 0) ahead = (await iterator.nextv(READ_AHEAD)).reverse();
        return ahead.pop();
      };
      return Object.assign(iterator, { next, return: () => iterator.close() });
    }
  };
};
