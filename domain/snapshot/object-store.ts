/** Where snapshots are kept: S3, or a directory on one machine. */
export interface ObjectStore {
  /** Stores a file under a key. Whoever reads the key sees the whole file or nothing. */
  upload(key: string, file: string): Promise<void>;
  /**
   * Copies an object into a file, which must not be read before this resolves.
   * @throws {Terminal} `internal` when there is no such object
   */
  download(key: string, file: string): Promise<void>;
  /**
   * Copies an object to another key, where it is whole or not there.
   * @returns the copy's SHA-256, hexadecimal, as the store itself computed it from what it wrote
   * @throws {Terminal} `internal` when there is no such object
   */
  copy(from: string, to: string): Promise<string>;
  list(prefix: string): Promise<string[]>;
  /** Removes an object; one that is not there is removed already. */
  remove(key: string): Promise<void>;
}
