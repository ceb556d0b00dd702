import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Image } from './image.ts';

const REFERENCE = /@(?<digest>sha256:[0-9a-f]{64})$/;
const ENTRY = 'main.mjs';

/**
 * Images on one machine: `<digest>/main.mjs`, a module that holds all that it runs, named by the digest of its bytes.
 * So an image is what it was when it was published, whatever has become of the source since.
 */
export class ImageStore {
  readonly #directory: string;

  /** @param packages a `node_modules` directory for what a module can not hold: packages with native parts */
  constructor(directory: string, packages: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    const link = join(directory, 'node_modules');
    // Left alone where it is right: another process may be starting from it.
    if (existsSync(link) && realpathSync(link) === realpathSync(packages)) return;
    rmSync(link, { force: true });
    symlinkSync(packages, link, 'dir');
  }

  /** Keeps an image; repeating it is harmless. @returns its digest, `sha256:…` */
  put(module: string): string {
    const digest = digestOf(module);
    const directory = this.#directoryOf(digest);
    if (existsSync(directory)) return digest;
    // Whole or not at all: another process may publish or start the same at this moment.
    const unfinished = `${directory}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, ENTRY), module);
    try {
      renameSync(unfinished, directory);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(directory)) throw error;
    }
    return digest;
  }

  /** The image of a reference `<repository>@<digest>`; undefined when it is not here, or is not what its name says. */
  find(reference: string): Image | undefined {
    const digest = REFERENCE.exec(reference)?.groups?.['digest'];
    if (digest === undefined) return undefined;
    const entry = join(this.#directoryOf(digest), ENTRY);
    return existsSync(entry) && digestOf(readFileSync(entry)) === digest ? { entry, digest } : undefined;
  }

  #directoryOf(digest: string): string {
    return join(this.#directory, digest.replace('sha256:', ''));
  }
}

const digestOf = (module: string | Buffer): string => `sha256:${createHash('sha256').update(module).digest('hex')}`;
