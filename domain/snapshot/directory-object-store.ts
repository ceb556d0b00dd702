import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Terminal } from '../failure.ts';
import type { ObjectStore } from './object-store.ts';

/** Objects as files below a directory, with `/` in a key as a folder. */
export class DirectoryObjectStore implements ObjectStore {
  readonly #objects: string;
  readonly #partial: string;

  constructor(directory: string) {
    this.#objects = join(directory, 'objects');
    this.#partial = join(directory, 'partial');
  }

  async upload(key: string, file: string): Promise<void> {
    const partial = join(this.#partial, randomUUID());
    const target = join(this.#objects, key);
    await Promise.all([mkdir(this.#partial, { recursive: true }), mkdir(dirname(target), { recursive: true })]);
    await copyFile(file, partial);
    // A rename is whole or not at all.
    await rename(partial, target);
  }

  async download(key: string, file: string): Promise<void> {
    try {
      await copyFile(join(this.#objects, key), file);
    } catch (cause) {
      throw new Terminal('internal', `The object store has no "${key}".`, { cause });
    }
  }

  async copy(from: string, to: string): Promise<string> {
    const source = join(this.#objects, from);
    try {
      await this.upload(to, source);
    } catch (cause) {
      throw new Terminal('internal', `The object store has no "${from}".`, { cause });
    }
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(this.#objects, to)), hash);
    return hash.digest('hex');
  }

  async list(prefix: string): Promise<string[]> {
    // A prefix is not always a folder: read the folder that holds it, then compare.
    const folder = join(this.#objects, prefix.slice(0, prefix.lastIndexOf('/') + 1));
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#objects, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((key) => key.startsWith(prefix));
  }

  async remove(key: string): Promise<void> {
    await rm(join(this.#objects, key), { force: true });
  }
}
