import { fileURLToPath } from 'node:url';
import { DirectoryObjectStore } from './directory-object-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3ObjectStore } from './s3-object-store.ts';

/**
 * The object store that a URL names: `s3://<bucket>` or `file:///<directory>`. To sign requests, a directory needs
 * `?endpoint=<url>&secret=<secret>` of whatever serves it.
 */
export const openObjectStore = (url: string): ObjectStore => {
  const { protocol, host, searchParams } = new URL(url);
  if (protocol === 's3:') return new S3ObjectStore(host);
  if (protocol === 'file:') {
    const [endpoint, secret] = [searchParams.get('endpoint'), searchParams.get('secret')];
    const served = endpoint === null || secret === null ? undefined : { endpoint, secret };
    return new DirectoryObjectStore(fileURLToPath(url), served);
  }
  throw new Error(`An object store is named by s3://<bucket> or file:///<directory>, not by "${url}".`);
};
