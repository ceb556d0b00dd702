import { createHash, randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Terminal } from '../failure.ts';
import type { DownloadTerms, ObjectStore, SignedRequest, StoredObject, UploadTerms } from './object-store.ts';
import { expiryOf, type SignedTerms, signedUrl } from './signed-request.ts';

/** Where the directory's objects are served to those who have a URL that was signed with the secret. */
export type ObjectEndpoint = { endpoint: string; secret: string };

/** Where in a store's directory objects are, and what is not whole yet. */
export const objectDirectories = (directory: string) => ({
  objects: join(directory, 'objects'),
  partial: join(directory, 'partial'),
});

/** The diagnostics channel that is told of every call of a directory's store, before it is made. */
export const OBJECT_CALLS = 'graphfleet:object-calls';
export type ObjectCall = { method: keyof ObjectStore; key: string; from?: string };
const calls = channel(OBJECT_CALLS);
const tell = (call: ObjectCall): void => calls.publish(call);

/** Objects as files below a directory, with `/` in a key as a folder. */
export class DirectoryObjectStore implements ObjectStore {
  readonly #objects: string;
  readonly #partial: string;
  readonly #served: ObjectEndpoint | undefined;

  constructor(directory: string, served?: ObjectEndpoint) {
    const { objects, partial } = objectDirectories(directory);
    this.#objects = objects;
    this.#partial = partial;
    this.#served = served;
  }

  async upload(key: string, file: string): Promise<void> {
    tell({ method: 'upload', key });
    await this.#put(key, file);
  }

  async #put(key: string, file: string): Promise<void> {
    const partial = await partialFile(this.#partial);
    const target = join(this.#objects, key);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, partial);
    // A rename is whole or not at all.
    await rename(partial, target);
  }

  async download(key: string, file: string): Promise<void> {
    tell({ method: 'download', key });
    try {
      await copyFile(join(this.#objects, key), file);
    } catch (cause) {
      throw new Terminal('internal', `The object store has no "${key}".`, { cause });
    }
  }

  async copy(from: string, to: string): Promise<string> {
    tell({ method: 'copy', key: to, from });
    const source = join(this.#objects, from);
    try {
      await this.#put(to, source);
    } catch (cause) {
      throw new Terminal('internal', `The object store has no "${from}".`, { cause });
    }
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(this.#objects, to)), hash);
    return hash.digest('hex');
  }

  async head(key: string): Promise<StoredObject | undefined> {
    tell({ method: 'head', key });
    try {
      return { bytes: (await stat(join(this.#objects, key))).size, checksum: null };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async signUpload({ key, bytes, checksum, expiresInSeconds }: UploadTerms): Promise<SignedRequest> {
    tell({ method: 'signUpload', key });
    const limits = { bytes, ...(checksum !== null && { checksum }) };
    return this.#sign({ method: 'PUT', key, ...limits }, expiresInSeconds, { 'if-none-match': '*' });
  }

  async signDownload({ key, fileName, expiresInSeconds }: DownloadTerms): Promise<SignedRequest> {
    tell({ method: 'signDownload', key });
    return this.#sign({ method: 'GET', key, fileName }, expiresInSeconds, {});
  }

  #sign(terms: Omit<SignedTerms, 'expires'>, expiresInSeconds: number, headers: Record<string, string>): SignedRequest {
    if (this.#served === undefined) throw new Terminal('internal', 'The objects of this directory are not served.');
    const expiresAt = expiryOf(new Date(), expiresInSeconds);
    const { endpoint, secret } = this.#served;
    const url = signedUrl(endpoint, secret, { ...terms, expires: Date.parse(expiresAt) / 1_000 });
    return { method: terms.method, url, headers, expiresAt };
  }

  async list(prefix: string, most = Number.POSITIVE_INFINITY): Promise<string[]> {
    tell({ method: 'list', key: prefix });
    // A prefix is not always a folder: read the folder that holds it, then compare.
    const folder = join(this.#objects, prefix.slice(0, prefix.lastIndexOf('/') + 1));
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#objects, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((key) => key.startsWith(prefix))
      .slice(0, most);
  }

  async remove(key: string): Promise<void> {
    tell({ method: 'remove', key });
    await rm(join(this.#objects, key), { force: true });
  }
}

/** A path for what is not whole yet. What processes that were killed had not made whole goes. */
export const partialFile = async (directory: string): Promise<string> => {
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) {
    if (!isRunning(Number.parseInt(name, 10))) await rm(join(directory, name), { force: true });
  }
  return join(directory, `${process.pid}-${randomUUID()}`);
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
