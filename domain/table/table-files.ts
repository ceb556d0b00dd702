import { Refusal } from '../failure.ts';
import type { Page, PageRequest } from '../page.ts';
import type { ObjectStore, SignedRequest } from '../snapshot/object-store.ts';
import type { TableStore } from './table.ts';
import {
  type FileDescription,
  type FileKey,
  MAX_PENDING_FILES,
  refuseLongFile,
  type TableFile,
  type TableFileStore,
  UPLOAD_SECONDS,
  uploadKey,
} from './table-file.ts';
import type { Tables } from './tables.ts';
import { FILE_KEPT_DAYS } from './uploads.ts';

const DAY_MS = 86_400_000;

/** A file that was registered, and how its bytes are sent. */
export type RegisteredFile = { file: TableFile; upload: SignedRequest; replayed: boolean };

type Parts = { files: TableFileStore; objects: ObjectStore; tables: Pick<Tables, 'holderOf'>; store: TableStore };

/** The files that tenants send to be staged into tables. */
export class TableFiles {
  readonly #files: TableFileStore;
  readonly #objects: ObjectStore;
  readonly #tables: Pick<Tables, 'holderOf'>;
  readonly #store: TableStore;

  constructor({ files, objects, tables, store }: Parts) {
    this.#files = files;
    this.#objects = objects;
    this.#tables = tables;
    this.#store = store;
  }

  /**
   * Makes a file known, and lets its tenant send just the bytes that were described, once. The same id again is the
   * same file, and another request to send it by.
   * @throws {Refusal} `too_large`; `limit_reached` when too many files of the table wait to be staged;
   * `idempotency_key_reused` when the file was described otherwise before
   */
  async register(key: FileKey, description: FileDescription, createdBy: string, at: Date): Promise<RegisteredFile> {
    const { bytes, checksum } = description;
    refuseLongFile(description);
    const earlier = await this.#files.get(key);
    const file = earlier ?? (await this.#create(key, description, createdBy, at));
    const isSame = (Object.keys(description) as (keyof FileDescription)[]).every(
      (name) => file[name] === description[name],
    );
    if (!isSame) throw new Refusal('idempotency_key_reused', 'This key came with another file before; take a new key.');
    const terms = { key: uploadKey(key), bytes, checksum, expiresInSeconds: UPLOAD_SECONDS };
    return { file, upload: await this.#objects.signUpload(terms), replayed: earlier !== undefined };
  }

  /**
   * A file as it is, with a look at whether its bytes have come.
   * @throws {Refusal} `not_found`
   */
  async get(key: FileKey, at: Date): Promise<TableFile> {
    const file = await this.#files.get(key);
    if (file === undefined) throw noFile(key);
    return this.#looked(file, at);
  }

  /** The files of a table by id, each as {@link get} has it. */
  async list(graphId: string, table: string, page: PageRequest, at: Date): Promise<Page<TableFile>> {
    const { items, cursor } = await this.#files.list(graphId, table, page);
    return { items: await Promise.all(items.map((file) => this.#looked(file, at))), cursor };
  }

  /**
   * The files of a table that are to be staged, if all of them can be.
   * @throws {Refusal} `not_found`, or `conflict` while one is not uploaded
   */
  async uploaded(graphId: string, table: string, fileIds: readonly string[], at: Date): Promise<TableFile[]> {
    const files = await Promise.all(fileIds.map((fileId) => this.get({ graphId, table, fileId }, at)));
    const missing = files.find(({ uploadedAt }) => uploadedAt === null);
    if (missing === undefined) return files;
    throw new Refusal('conflict', `The file "${missing.fileId}" (${missing.fileName}) is not uploaded yet.`);
  }

  /**
   * Removes a file, unless its table is being staged.
   * @throws {Refusal} `not_found`, `conflict` with the operation that stages the table
   */
  async remove(key: FileKey): Promise<void> {
    const [file, table] = await Promise.all([this.#files.get(key), this.#store.get(key.graphId, key.table)]);
    const operationId = file && (await this.#tables.holderOf(table));
    if (operationId) throw new Refusal('conflict', `The table "${key.table}" is being staged.`, { operationId });
    // Also what is left of one that was removed before: the record goes first.
    await this.#files.remove(key);
    await this.#objects.remove(uploadKey(key));
    if (file === undefined) throw noFile(key);
  }

  async #create(key: FileKey, description: FileDescription, createdBy: string, at: Date): Promise<TableFile> {
    const keptUntil = new Date(at.getTime() + FILE_KEPT_DAYS * DAY_MS).toISOString();
    if (!(await this.#files.admit(key, keptUntil))) {
      const message = `${MAX_PENDING_FILES} files of "${key.table}" wait to be staged; stage or delete some.`;
      throw new Refusal('limit_reached', message);
    }
    const createdAt = at.toISOString();
    return this.#files.create({
      ...key,
      ...description,
      createdBy,
      createdAt,
      keptUntil,
      uploadedAt: null,
      stagedBy: null,
    });
  }

  async #looked(file: TableFile, at: Date): Promise<TableFile> {
    if (file.uploadedAt !== null) return file;
    const stored = await this.#objects.head(uploadKey(file));
    if (stored?.bytes !== file.bytes) return file;
    const uploadedAt = at.toISOString();
    await this.#files.markUploaded(file, uploadedAt);
    return { ...file, uploadedAt };
  }
}

const noFile = ({ table, fileId }: FileKey): Refusal =>
  new Refusal('not_found', `The table "${table}" has no file "${fileId}".`);
