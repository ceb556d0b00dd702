import { createHash } from 'node:crypto';
import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedSchema } from '../domain/graph/graph-schema.ts';
import { createDatabase } from './database/build-database.ts';

/** An empty graph is 16 KB on disk; what is used longest ago goes first. */
const MAX_TEMPLATES = 500;

/**
 * Empty databases, one for each schema that this instance has met, to be copied: graphs of one application share a
 * schema, and a copy is made in a tenth of the time in which the engine makes its tables.
 */
export class DatabaseTemplates {
  readonly #directory: string;
  /** By schema, in order of use. */
  readonly #templates = new Map<string, Promise<string>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Puts an empty database with a schema where no file is. */
  async copyTo(file: string, schema: ResolvedSchema): Promise<void> {
    const name = createHash('sha256').update(JSON.stringify(schema)).digest('hex');
    const template = this.#templates.get(name) ?? this.#create(name, schema);
    this.#templates.delete(name);
    this.#templates.set(name, template);
    await copyFile(await template, file);
    await this.#forgetOldest();
  }

  async #create(name: string, schema: ResolvedSchema): Promise<string> {
    const file = join(this.#directory, `${name}.lbug`);
    try {
      await createDatabase(`${file}.partial`, schema);
      await rename(`${file}.partial`, file);
      return file;
    } catch (error) {
      this.#templates.delete(name);
      throw error;
    }
  }

  async #forgetOldest(): Promise<void> {
    if (this.#templates.size <= MAX_TEMPLATES) return;
    for (const [name, template] of this.#templates) {
      this.#templates.delete(name);
      await rm(await template, { force: true });
      return;
    }
  }
}
