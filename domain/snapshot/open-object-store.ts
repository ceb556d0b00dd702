import { fileURLToPath } from 'node:url';
import { DirectoryObjectStore } from './directory-object-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3ObjectStore } from './s3-object-store.ts';

/** The object store that a URL names: `s3://<bucket>` or `file:///<directory>`. */
export const openObjectStore = (url: string): ObjectStore => {
  const { protocol, host } = new URL(url);
  if (protocol === 's3:') return new S3ObjectStore(host);
  if (protocol === 'file:') return new DirectoryObjectStore(fileURLToPath(url));
  throw new Error(`An object store is named by s3://<bucket> or file:///<directory>, not by "${url}".`);
};
