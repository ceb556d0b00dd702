import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { S3ObjectStore } from '../../domain/snapshot/s3-object-store.ts';
import { type MiniStack, startMiniStack } from '../fixtures/ministack.ts';
import { describeObjectStore, SHA256, send, terms } from '../fixtures/object-store-contract.ts';

const BUCKET = 'graphs';

let emulator: MiniStack;
let objects: S3ObjectStore;

beforeAll(async () => {
  emulator = await startMiniStack();
  const { endpoint, region, environment } = emulator;
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = environment;
  const settings = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const client = new S3Client({ ...settings, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
  objects = new S3ObjectStore(BUCKET, settings);
}, 180_000);

afterAll(() => emulator?.stop());

// MiniStack copies without the checksum that S3 computes (`x-amz-checksum-algorithm` of CopyObject).
describeObjectStore('S3', () => objects, { checksumOfCopy: '' });

test('S3 tells the checksum that an upload was declared with', async () => {
  const upload = terms({ checksum: SHA256 });
  await send(await objects.signUpload(upload));
  expect(await objects.head(upload.key)).toMatchObject({ checksum: SHA256 });
});

test('a signature by another secret is not taken, and does not say that something is missing', async () => {
  const { endpoint, region } = emulator;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'another' };
  const stranger = new S3ObjectStore(BUCKET, { endpoint, region, credentials });
  expect(await send(await stranger.signUpload(terms()))).toBe(403);
});
