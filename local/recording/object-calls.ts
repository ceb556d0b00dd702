import type { ObjectCall } from '../../domain/snapshot/directory-object-store.ts';
import type { Call } from './recorded-call.ts';

type BucketCall = Omit<Call, 'role'>;

const onObject = (action: string, key: string): BucketCall => ({
  action,
  resource: `bucket/${key.slice(0, key.indexOf('/'))}/*`,
});
const list: BucketCall = { action: 's3:ListBucket', resource: 'bucket' };

/** Of what is not there, S3 says so to those only who may list the bucket. */
const read = (key: string): BucketCall[] => [onObject('s3:GetObject', key), list];
const write = (key: string): BucketCall[] => [onObject('s3:PutObject', key)];

/** What `S3ObjectStore` asks of S3 for each of its methods, as IAM names it. A signed request counts when it is signed. */
const CALLS: { readonly [Method in ObjectCall['method']]: (key: string, from?: string) => BucketCall[] } = {
  upload: write,
  download: read,
  copy: (key, from = '') => [...read(from), ...write(key)],
  head: read,
  signUpload: write,
  signDownload: (key) => [onObject('s3:GetObject', key)],
  list: () => [list],
  remove: (key) => [onObject('s3:DeleteObject', key)],
};

export const callsOfObject = ({ method, key, from }: ObjectCall): BucketCall[] => CALLS[method](key, from);
