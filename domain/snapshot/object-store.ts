/** What a store knows of an object. The checksum is SHA-256, hexadecimal, if whoever wrote the object gave one. */
export type StoredObject = { bytes: number; checksum: string | null };

/** A request that anybody can make who has it, until it expires. All of `headers` have to be sent as they are. */
export type SignedRequest = { method: 'PUT' | 'GET'; url: string; headers: Record<string, string>; expiresAt: string };

/** An object that somebody else may write, once: of just so many bytes and, if it is given, of just this SHA-256. */
export type UploadTerms = { key: string; bytes: number; checksum: string | null; expiresInSeconds: number };

/** An object that somebody else may read. Clients keep it under `fileName`. */
export type DownloadTerms = { key: string; fileName: string; expiresInSeconds: number };

/** What S3 takes in one request: a snapshot, a backup or a part of a table is no larger. */
export const LARGEST_OBJECT_BYTES = 5 * 2 ** 30;

/** Where snapshots, and what they are made from, are kept: S3, or a directory on one machine. */
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
  /** Undefined when there is no such object. */
  head(key: string): Promise<StoredObject | undefined>;
  /** Lets somebody else write an object that is not there yet. Whoever reads the key sees the whole object or nothing. */
  signUpload(terms: UploadTerms): Promise<SignedRequest>;
  /** Lets somebody else read an object. */
  signDownload(terms: DownloadTerms): Promise<SignedRequest>;
  /** The keys with a prefix, or some `most` of them. */
  list(prefix: string, most?: number): Promise<string[]>;
  /** Removes an object; one that is not there is removed already. */
  remove(key: string): Promise<void>;
}
