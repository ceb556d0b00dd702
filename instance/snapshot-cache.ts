import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ObjectStore } from '../domain/snapshot/object-store.ts';
import type { Snapshot } from '../domain/snapshot/snapshot.ts';
import { openReadOnly, type ReadOnlyDatabase } from './database/read-only-database.ts';
import { fetchChecked, measureFile, type Workspace } from './workspace.ts';

type Entry = {
  file: string;
  bytes: number;
  database: Promise<ReadOnlyDatabase> | undefined;
  users: number;
  /** Whether the file is what was published; undefined until somebody wants what an earlier process left. */
  isWhole: Promise<boolean> | undefined;
  /** The graph is gone: it goes with its last user. */
  dropped: boolean;
};

/** What a cache may have of an instance: of its disk, and of its memory, where each open database has a buffer pool. */
export type CacheLimits = { bytes: number; openDatabases: number };

/**
 * The snapshots that this instance holds on disk and the databases that are open on them; what was used longest ago
 * goes first. The truth is in the object store, so anything may go at any time that no query is using. What is in use
 * stays, also beyond the limits.
 */
export class SnapshotCache {
  readonly #workspace: Workspace;
  readonly #objects: ObjectStore;
  readonly #limits: CacheLimits;
  /** By file name, in order of use, least recent first. */
  readonly #entries = new Map<string, Entry>();
  /** What is being fetched or removed: whoever wants it waits. */
  readonly #changes = new Map<string, Promise<unknown>>();
  /** The bytes of what is being fetched: there is room for it before it comes. */
  readonly #fetching = new Map<string, number>();

  private constructor(workspace: Workspace, objects: ObjectStore, limits: CacheLimits) {
    this.#workspace = workspace;
    this.#objects = objects;
    this.#limits = limits;
  }

  /** Opens the cache on what an earlier process left: it was whole then, and whoever uses it first looks whether it still is. */
  static async open(workspace: Workspace, objects: ObjectStore, limits: CacheLimits): Promise<SnapshotCache> {
    const cache = new SnapshotCache(workspace, objects, limits);
    for (const name of await readdir(workspace.cacheDirectory)) {
      const file = join(workspace.cacheDirectory, name);
      const { size: bytes } = await stat(file);
      cache.#entries.set(name, { file, bytes, database: undefined, users: 0, isWhole: undefined, dropped: false });
    }
    await cache.#evict();
    return cache;
  }

  /** Takes over a file that was just published, so that the first query need not fetch it. */
  async adopt(graphId: string, snapshot: Snapshot, file: string): Promise<void> {
    const name = nameOf(graphId, snapshot);
    await rename(file, this.#fileOf(name));
    this.#entries.set(name, this.#newEntry(name, snapshot));
    await this.#evict();
  }

  /**
   * Runs `read` on a snapshot's database, which stays open for as long as that takes.
   * @throws {Terminal} `internal` when the object store's copy is not the one that was published
   */
  async use<Result>(
    graphId: string,
    snapshot: Snapshot,
    read: (database: ReadOnlyDatabase) => Promise<Result>,
  ): Promise<Result> {
    const name = nameOf(graphId, snapshot);
    const entry = await this.#entryOf(name, snapshot);
    try {
      this.#entries.delete(name);
      this.#entries.set(name, entry);
      entry.database ??= openDatabase(entry);
      const [database] = await Promise.all([entry.database, this.#closeIdle()]);
      return await read(database);
    } finally {
      await this.#leave(name, entry);
    }
  }

  /**
   * Lends a snapshot's file, seen to be what was published: what lies here may have been damaged since it came, and then
   * the object store's copy is lent.
   * @throws {Terminal} `internal` when that one is not what was published either
   */
  async lend<Result>(graphId: string, snapshot: Snapshot, read: (file: string) => Promise<Result>): Promise<Result> {
    const name = nameOf(graphId, snapshot);
    const entry = await this.#entryOf(name, snapshot);
    try {
      if ((await measureFile(entry.file)).checksum === snapshot.checksum) return await read(entry.file);
      entry.dropped = true;
    } finally {
      await this.#leave(name, entry);
    }
    return this.#download(snapshot, read);
  }

  /** Removes every snapshot of a graph from this instance; one that is being read goes with its last reader. */
  async drop(graphId: string): Promise<void> {
    const isOfGraph = ([name]: [string, unknown]) => name.startsWith(`${graphId}.`);
    // What is being fetched can be removed when it is there.
    await Promise.allSettled([...this.#changes].filter(isOfGraph).map(([, change]) => change));
    for (const [name, entry] of [...this.#entries].filter(isOfGraph)) {
      entry.dropped = true;
      if (entry.users === 0) await this.#remove(name, entry);
    }
  }

  /** Closes every database, when its queries have ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(closeDatabase));
  }

  /** The entry with one user more, counted in the same turn: whoever evicts never sees it idle in between. */
  async #entryOf(name: string, snapshot: Snapshot): Promise<Entry> {
    for (;;) {
      const present = this.#entries.get(name);
      if (present === undefined) {
        await (this.#changes.get(name) ?? this.#change(name, this.#fetch(name, snapshot)));
        continue;
      }
      present.users += 1;
      present.isWhole ??= isPublished(present, snapshot);
      if (await present.isWhole) return present;
      // The first who sees it takes it away; nobody has opened it.
      if (this.#entries.get(name) === present) await this.#remove(name, present);
    }
  }

  async #leave(name: string, entry: Entry): Promise<void> {
    entry.users -= 1;
    if (entry.dropped && entry.users === 0) await this.#remove(name, entry);
    await this.#evict();
  }

  async #fetch(name: string, snapshot: Snapshot): Promise<void> {
    this.#fetching.set(name, snapshot.bytes);
    try {
      await this.#evict();
      await this.#download(snapshot, async (scratch) => {
        await rename(scratch, this.#fileOf(name));
        this.#fetching.delete(name);
        this.#entries.set(name, this.#newEntry(name, snapshot));
      });
    } finally {
      this.#fetching.delete(name);
    }
  }

  async #download<Result>(snapshot: Snapshot, use: (scratch: string) => Promise<Result>): Promise<Result> {
    const scratch = this.#workspace.scratchFile();
    try {
      await fetchChecked(this.#objects, snapshot, scratch, `Version ${snapshot.version} of the graph`);
      return await use(scratch);
    } finally {
      await rm(scratch, { force: true });
    }
  }

  async #evict(): Promise<void> {
    await this.#closeIdle();
    const sizes = () => [...[...this.#entries.values()].map(({ bytes }) => bytes), ...this.#fetching.values()];
    while (sizes().reduce((sum, bytes) => sum + bytes, 0) > this.#limits.bytes) {
      const oldest = [...this.#entries].find(([, entry]) => isIdle(entry));
      if (oldest === undefined) return;
      await this.#remove(...oldest);
    }
  }

  async #closeIdle(): Promise<void> {
    const open = [...this.#entries.values()].filter(({ database }) => database !== undefined);
    const tooMany = Math.max(0, open.length - this.#limits.openDatabases);
    await Promise.all(open.filter(isIdle).slice(0, tooMany).map(closeDatabase));
  }

  /** The entry is gone at once, the file when its database is closed; until then nobody fetches it again. */
  async #remove(name: string, entry: Entry): Promise<void> {
    this.#entries.delete(name);
    await this.#change(
      name,
      closeDatabase(entry).then(() => rm(entry.file, { force: true })),
    );
  }

  async #change(name: string, change: Promise<void>): Promise<void> {
    const ended: Promise<void> = change.finally(() => {
      if (this.#changes.get(name) === ended) this.#changes.delete(name);
    });
    this.#changes.set(name, ended);
    await ended;
  }

  #newEntry(name: string, { bytes }: Snapshot): Entry {
    const file = this.#fileOf(name);
    return { file, bytes, database: undefined, users: 0, isWhole: Promise.resolve(true), dropped: false };
  }

  #fileOf(name: string): string {
    return join(this.#workspace.cacheDirectory, name);
  }
}

const isIdle = ({ users }: Entry): boolean => users === 0;

const nameOf = (graphId: string, { key }: Snapshot): string => `${graphId}.${basename(key)}`;

/** What can not be read is not what was published either. */
const isPublished = async ({ file, bytes }: Entry, snapshot: Snapshot): Promise<boolean> => {
  if (bytes !== snapshot.bytes) return false;
  const { checksum } = await measureFile(file).catch(() => ({ checksum: undefined }));
  return checksum === snapshot.checksum;
};

/** One that can not be opened now is opened anew for the next user. */
const openDatabase = (entry: Entry): Promise<ReadOnlyDatabase> => {
  const opening = openReadOnly(entry.file);
  opening.catch(() => {
    if (entry.database === opening) entry.database = undefined;
  });
  return opening;
};

const closeDatabase = async (entry: Entry): Promise<void> => {
  const database = entry.database;
  entry.database = undefined;
  // One that could not be opened has nothing to close.
  await database?.then(
    (opened) => opened.close(),
    () => undefined,
  );
};
