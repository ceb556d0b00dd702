import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Terminal } from '../domain/failure.ts';
import type { ObjectStore } from '../domain/snapshot/object-store.ts';
import { type Snapshot, snapshotPrefix } from '../domain/snapshot/snapshot.ts';
import { openReadOnly, type ReadOnlyDatabase } from './database/read-only-database.ts';
import { measureFile, type Workspace } from './workspace.ts';

type Entry = { snapshot: Snapshot; file: string; database: Promise<ReadOnlyDatabase> | undefined; users: number };

/** Each open database has its own buffer pool. */
const MAX_OPEN_DATABASES = 16;

/**
 * The snapshots that this instance holds on disk and the databases that are open on them; what was used longest ago
 * goes first. The truth is in the object store, so anything may go at any time that no query is using.
 */
export class SnapshotCache {
  readonly #workspace: Workspace;
  readonly #objects: ObjectStore;
  readonly #budgetBytes: number;
  /** In order of use, least recent first. */
  readonly #entries = new Map<string, Entry>();
  readonly #loads = new Map<string, Promise<Entry>>();

  private constructor(workspace: Workspace, objects: ObjectStore, budgetBytes: number) {
    this.#workspace = workspace;
    this.#objects = objects;
    this.#budgetBytes = budgetBytes;
  }

  /** Opens the cache on what an earlier process left: a file has its final name only when it was whole. */
  static async open(workspace: Workspace, objects: ObjectStore, budgetBytes: number): Promise<SnapshotCache> {
    const cache = new SnapshotCache(workspace, objects, budgetBytes);
    const files = await readdir(workspace.cacheDirectory, { recursive: true, withFileTypes: true });
    for (const entry of files.filter((file) => file.isFile() && file.name.endsWith('.lbug'))) {
      const file = join(entry.parentPath, entry.name);
      const [version = '', checksum = ''] = basename(entry.name, '.lbug').split('-');
      const key = `${snapshotPrefix(basename(entry.parentPath))}${entry.name}`;
      const snapshot = { version: Number(version), key, checksum, bytes: (await stat(file)).size };
      cache.#entries.set(key, { snapshot, file, database: undefined, users: 0 });
    }
    return cache;
  }

  /** Takes over a file that was just published, so that the first query need not fetch it. */
  async adopt(graphId: string, snapshot: Snapshot, file: string): Promise<void> {
    const target = this.#fileOf(graphId, snapshot);
    await mkdir(dirname(target), { recursive: true });
    await rename(file, target);
    this.#entries.set(snapshot.key, { snapshot, file: target, database: undefined, users: 0 });
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
    const entry = await this.#entryOf(graphId, snapshot);
    entry.users += 1;
    try {
      this.#entries.delete(snapshot.key);
      this.#entries.set(snapshot.key, entry);
      entry.database ??= this.#open(entry);
      return await read(await entry.database);
    } finally {
      entry.users -= 1;
      await this.#evict();
    }
  }

  /** Removes every snapshot of a graph from this instance. */
  async drop(graphId: string): Promise<void> {
    const prefix = snapshotPrefix(graphId);
    for (const entry of [...this.#entries.values()].filter(({ snapshot }) => snapshot.key.startsWith(prefix))) {
      await this.#remove(entry);
    }
  }

  /** Closes every database, when its queries have ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(closeDatabase));
  }

  async #entryOf(graphId: string, snapshot: Snapshot): Promise<Entry> {
    const present = this.#entries.get(snapshot.key);
    if (present !== undefined) return present;
    const loading =
      this.#loads.get(snapshot.key) ?? this.#load(graphId, snapshot).finally(() => this.#loads.delete(snapshot.key));
    this.#loads.set(snapshot.key, loading);
    return loading;
  }

  async #load(graphId: string, snapshot: Snapshot): Promise<Entry> {
    const scratch = this.#workspace.scratchFile();
    await this.#objects.download(snapshot.key, scratch);
    const { checksum } = await measureFile(scratch);
    if (checksum !== snapshot.checksum) {
      await rm(scratch, { force: true });
      throw new Terminal('internal', `The snapshot "${snapshot.key}" is not the file that was published.`);
    }
    const file = this.#fileOf(graphId, snapshot);
    await mkdir(dirname(file), { recursive: true });
    await rename(scratch, file);
    const entry: Entry = { snapshot, file, database: undefined, users: 0 };
    this.#entries.set(snapshot.key, entry);
    return entry;
  }

  async #open(entry: Entry): Promise<ReadOnlyDatabase> {
    return openReadOnly(entry.file).catch((error: unknown) => {
      entry.database = undefined;
      throw error;
    });
  }

  async #evict(): Promise<void> {
    const idle = [...this.#entries.values()].filter(({ users }) => users === 0);
    const open = idle.filter(({ database }) => database !== undefined);
    await Promise.all(open.slice(0, Math.max(0, open.length - MAX_OPEN_DATABASES)).map(closeDatabase));
    let bytes = [...this.#entries.values()].reduce((sum, { snapshot }) => sum + snapshot.bytes, 0);
    for (const entry of idle) {
      if (bytes <= this.#budgetBytes) return;
      await this.#remove(entry);
      bytes -= entry.snapshot.bytes;
    }
  }

  async #remove(entry: Entry): Promise<void> {
    this.#entries.delete(entry.snapshot.key);
    await closeDatabase(entry);
    await rm(entry.file, { force: true });
  }

  #fileOf(graphId: string, snapshot: Snapshot): string {
    return join(this.#workspace.cacheDirectory, graphId, basename(snapshot.key));
  }
}

const closeDatabase = async (entry: Entry): Promise<void> => {
  const database = entry.database;
  entry.database = undefined;
  await (await database)?.close();
};
