import { once } from 'node:events';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { S3ObjectStore } from '../../../domain/snapshot/s3-object-store.ts';
import { contentDisposition } from '../../../domain/snapshot/signed-request.ts';
import { CONTENT, SHA256, terms } from '../../fixtures/object-store-contract.ts';
import { signatureOf } from '../../fixtures/signature-version-4.ts';

type Answer = { status?: number; headers?: Record<string, string>; body?: string | Buffer; cutAfterBytes?: number };
type Received = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
};

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
const region = 'eu-central-1';
const BASE64 = Buffer.from(SHA256, 'hex').toString('base64');

let server: Server;
let directory: string;
let file: string;
let endpoint: string;
let objects: S3ObjectStore;
let sdk: S3Client;
/** What the server answers, in turn; the last one again and again. */
let answers: Answer[];
let received: Received[];

beforeAll(async () => {
  server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const url = new URL(request.url ?? '', 'http://host');
      // As it was sent: a URL would take some paths for others.
      const [path = ''] = (request.url ?? '').split('?');
      received.push({ method: request.method ?? '', path, query: url.searchParams, headers: request.headers, body });
      const { status = 200, headers = {}, body: content = '', cutAfterBytes } = answers[0] ?? {};
      if (answers.length > 1) answers.shift();
      response.writeHead(status, { 'content-length': Buffer.byteLength(content), ...headers });
      if (cutAfterBytes === undefined) response.end(content);
      else response.write(Buffer.from(content).subarray(0, cutAfterBytes), () => request.socket.destroy());
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-s3-'));
  file = join(directory, 'file');
  await writeFile(file, CONTENT);
  objects = new S3ObjectStore('bucket', { endpoint, region, credentials });
  sdk = new S3Client({ endpoint, region, credentials });
});

afterAll(async () => {
  sdk.destroy();
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  answers = [{}];
  received = [];
});

const failing = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>It is &quot;so&quot;.</Message></Error>`,
});
/** As S3 writes a key: what XML has another use for is a reference. */
const escaped = (text: string) =>
  Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code < 32 || '&<>"\''.includes(character) ? `&#x${code.toString(16)};` : character;
  }).join('');
const page = (keys: readonly string[], token?: string): Answer => ({
  body: `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Prefix>a</Prefix>${keys
    .map((key) => `<Contents><Key>${escaped(key)}</Key><Size>1</Size></Contents>`)
    .join('')}<IsTruncated>${token !== undefined}</IsTruncated>${
    token === undefined ? '' : `<NextContinuationToken>${escaped(token)}</NextContinuationToken>`
  }</ListBucketResult>`,
});

/** Whatever may be a key. */
const anyKey = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });

describe('a call on S3', () => {
  test('is signed as it is sent, whatever the key', async () => {
    await fc.assert(
      fc.asyncProperty(anyKey, anyKey, async (key, other) => {
        answers = [{ body: `<CopyObjectResult><ChecksumSHA256>${BASE64}</ChecksumSHA256></CopyObjectResult>` }];
        received = [];
        await objects.upload(key, file);
        await objects.copy(key, other);
        await objects.head(key);
        await objects.list(key);
        await objects.remove(key);
        expect(received).toHaveLength(6);
        for (const call of received)
          expect(call.headers.authorization).toMatch(
            new RegExp(`, Signature=${signatureOf(call, credentials.secretAccessKey)}$`),
          );
        const [upload, , copy, , list] = received;
        expect(decodeURIComponent(upload?.path ?? '')).toBe(`/bucket/${key}`);
        expect(decodeURIComponent(String(copy?.headers['x-amz-copy-source']))).toBe(`bucket/${key}`);
        expect(list?.query.get('prefix')).toBe(key);
      }),
      { numRuns: 30 },
    );
  });

  test('has the path that the SDK gives it', async () => {
    await fc.assert(
      fc.asyncProperty(anyKey, async (key) => {
        received = [];
        await objects.remove(key);
        await sdk.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: key }));
        expect(received[0]?.path).toBe(received[1]?.path);
      }),
      { numRuns: 30 },
    );
  });

  test('is made again, whole, when S3 can not do it now', async () => {
    answers = [failing(500, 'InternalError'), failing(503, 'ServiceUnavailable'), {}];
    await objects.upload('key', file);
    expect(received.map(({ body }) => body)).toEqual([CONTENT, CONTENT, CONTENT]);
  });

  test('is given up after three attempts, as an outage', async () => {
    answers = [failing(500, 'InternalError')];
    const outage = { name: 'InternalError', message: 'It is "so".', $fault: 'server' };
    await expect(objects.remove('key')).rejects.toMatchObject(outage);
    expect(received).toHaveLength(3);
  });

  test.each(['head', 'remove', 'list'] as const)('that is refused is made once: %s', async (method) => {
    answers = [{ status: 403 }];
    await expect(objects[method]('key')).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
      $fault: 'client',
    });
    expect(received).toHaveLength(1);
  });

  test('on a bucket that is not there does not say that an object is missing', async () => {
    answers = [failing(404, 'NoSuchBucket')];
    await expect(objects.download('key', join(directory, 'target'))).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(objects.copy('key', 'other')).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  test('on a server that is not there ends, as an outage', async () => {
    const nowhere = new S3ObjectStore('bucket', { endpoint: 'http://127.0.0.1:1', region, credentials });
    await expect(nowhere.head('key')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

test('a file is sent with its checksum, which is signed', async () => {
  await objects.upload('key', file);
  const [{ headers, body } = {} as Received] = received;
  expect(body).toEqual(CONTENT);
  expect(headers).toMatchObject({
    'content-length': String(CONTENT.length),
    'x-amz-content-sha256': SHA256,
    'x-amz-checksum-sha256': BASE64,
  });
});

describe('what S3 takes in one call', () => {
  const small = () => new S3ObjectStore('bucket', { endpoint, region, credentials }, CONTENT.length - 1);
  const exact = () => new S3ObjectStore('bucket', { endpoint, region, credentials }, CONTENT.length);
  const tooLarge = { name: 'Terminal', code: 'too_large' };

  test('is sent, and what is larger is refused before a byte is', async () => {
    await exact().upload('key', file);
    expect(received).toHaveLength(1);
    received = [];
    await expect(small().upload('key', file)).rejects.toMatchObject(tooLarge);
    expect(received).toEqual([]);
  });

  test('is copied, and what is larger is refused before a byte is', async () => {
    answers = [
      { headers: { 'content-length': String(CONTENT.length) }, body: CONTENT },
      { body: `<CopyObjectResult><ChecksumSHA256>${BASE64}</ChecksumSHA256></CopyObjectResult>` },
    ];
    const [source] = answers as [Answer];
    expect(await exact().copy('from', 'to')).toBe(SHA256);
    answers = [source];
    received = [];
    await expect(small().copy('from', 'to')).rejects.toMatchObject(tooLarge);
    expect(received.map(({ method }) => method)).toEqual(['HEAD']);
  });

  test('is 5 GiB', async () => {
    const sparse = join(directory, 'sparse');
    await writeFile(sparse, '');
    await truncate(sparse, 5 * 2 ** 30 + 1);
    await expect(objects.upload('key', sparse)).rejects.toMatchObject(tooLarge);
    expect(received).toEqual([]);
  });
});

describe('a refusal of S3', () => {
  test.each([
    [400, 'EntityTooLarge', 'too_large'],
    [400, 'InvalidRequest', 'internal'],
    [405, 'MethodNotAllowed', 'internal'],
  ])('that will be the same again is final: %i %s', async (status, code, ours) => {
    answers = [failing(status, code)];
    const final = { name: 'Terminal', code: ours, cause: { name: code } };
    await expect(objects.upload('key', file)).rejects.toMatchObject(final);
    await expect(objects.download('key', join(directory, 'target'))).rejects.toMatchObject(final);
    await expect(objects.list('a/')).rejects.toMatchObject(final);
  });

  test.each([
    [403, 'AccessDenied'],
    [409, 'OperationAborted'],
    [400, 'ExpiredToken'],
    [400, 'BadDigest'],
  ])('that may be another the next time is not: %i %s', async (status, code) => {
    answers = [failing(status, code)];
    await expect(objects.upload('key', file)).rejects.toMatchObject({ name: code });
    await expect(objects.head('key')).rejects.toMatchObject({ name: `Http${status}` });
  });
});

test('a file that is not there is not sent', async () => {
  await expect(objects.upload('key', join(directory, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(received).toEqual([]);
});

describe('a download', () => {
  const whole: Answer = { body: CONTENT, headers: { 'x-amz-checksum-sha256': BASE64 } };
  const target = () => join(directory, 'target');

  test('that is cut off begins again', async () => {
    answers = [{ ...whole, cutAfterBytes: 3 }, whole];
    await objects.download('key', target());
    expect(await readFile(target())).toEqual(CONTENT);
  });

  test('of other content than was stored begins again, and is not taken', async () => {
    const wrong: Answer = { ...whole, body: Buffer.alloc(CONTENT.length, 'x') };
    answers = [wrong, whole];
    await objects.download('key', target());
    expect(await readFile(target())).toEqual(CONTENT);
    answers = [wrong];
    await expect(objects.download('key', target())).rejects.toMatchObject({ name: 'ContentMismatch' });
  });
});

test('a copy that fails after S3 has answered 200 has failed, and is made again', async () => {
  const copied = { body: `<CopyObjectResult><ChecksumSHA256>${BASE64}</ChecksumSHA256></CopyObjectResult>` };
  answers = [{}, { ...failing(0, 'InternalError'), status: 200 }, copied];
  expect(await objects.copy('from', 'to')).toBe(SHA256);
  answers = [{ ...failing(0, 'InternalError'), status: 200 }];
  await expect(objects.copy('from', 'to')).rejects.toMatchObject({ name: 'InternalError' });
});

test('a listing reads page after page, and reads them as the SDK does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyKey, { maxLength: 5 }),
      fc.array(anyKey, { maxLength: 5 }),
      anyKey,
      async (first, second, token) => {
        received = [];
        answers = [page(first, token), page(second)];
        expect(await objects.list('a/')).toEqual([...first, ...second]);
        expect(received.map(({ query }) => query.get('continuation-token'))).toEqual([null, token]);
        answers = [page(first)];
        const { Contents = [] } = await sdk.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'a/' }));
        expect(Contents.map(({ Key }) => Key)).toEqual(first);
      },
    ),
    { numRuns: 30 },
  );
});

describe('what signs on S3', () => {
  const places = [
    { bucket: 'bucket', region: 'eu-central-1' },
    { bucket: 'bucket', region: 'us-east-1' },
    { bucket: 'bucket', region: 'cn-north-1' },
    { bucket: 'bucket', region: 'us-iso-east-1' },
    { bucket: 'with.dots', region: 'eu-central-1' },
    { bucket: 'bucket', region: 'eu-central-1', endpoint: 'http://127.0.0.1:4566' },
    { bucket: 'bucket', region: 'eu-central-1', endpoint: 'http://[::1]:4566' },
    { bucket: 'bucket', region: 'eu-central-1', endpoint: 'https://s3.example.com/base' },
  ];
  const signedAt = (url: string) =>
    new Date((new URL(url).searchParams.get('X-Amz-Date') ?? '').replace(/(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'));

  test.each(places)(
    'signs as the SDK does, to the letter: $bucket in $region at $endpoint',
    async ({ bucket, ...place }) => {
      const store = new S3ObjectStore(bucket, { ...place, credentials });
      const client = new S3Client({
        ...place,
        credentials,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });
      for (const checksum of [SHA256, null]) {
        const upload = terms({ checksum });
        const { url } = await store.signUpload(upload);
        const put = new PutObjectCommand({
          Bucket: bucket,
          Key: upload.key,
          ContentLength: upload.bytes,
          IfNoneMatch: '*',
          ...(checksum !== null && { ChecksumSHA256: BASE64 }),
        });
        const unhoistableHeaders = new Set(['x-amz-checksum-sha256']);
        expect(parsed(url)).toEqual(
          parsed(await getSignedUrl(client, put, { expiresIn: 900, signingDate: signedAt(url), unhoistableHeaders })),
        );
      }
      const { url } = await store.signDownload({ key: 'backups/b 1', fileName: 'b.lbug', expiresInSeconds: 60 });
      const ResponseContentDisposition = contentDisposition('b.lbug');
      const get = new GetObjectCommand({ Bucket: bucket, Key: 'backups/b 1', ResponseContentDisposition });
      expect(parsed(url)).toEqual(
        parsed(await getSignedUrl(client, get, { expiresIn: 60, signingDate: signedAt(url) })),
      );
    },
  );

  const parsed = (url: string) => {
    const { origin, pathname, searchParams } = new URL(url);
    return { origin, pathname, ...Object.fromEntries(searchParams) };
  };
});

test('what signs on S3 signs the same terms: key, length, checksum, no overwriting, and when it expires', async () => {
  const s3 = new S3ObjectStore('bucket', { region, credentials });
  const upload = terms({ key: 'uploads/kg1/Company/file_1', checksum: SHA256 });
  const before = Math.floor(Date.now() / 1_000);
  const { method, url, headers, expiresAt } = await s3.signUpload(upload);
  const { origin, pathname, searchParams } = new URL(url);
  expect({ method, origin, pathname }).toEqual({
    method: 'PUT',
    origin: 'https://bucket.s3.eu-central-1.amazonaws.com',
    pathname: '/uploads/kg1/Company/file_1',
  });
  expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host;if-none-match;x-amz-checksum-sha256');
  expect(headers).toEqual({
    'if-none-match': '*',
    'x-amz-checksum-sha256': Buffer.from(SHA256, 'hex').toString('base64'),
  });
  expect(searchParams.get('X-Amz-Expires')).toBe('900');
  expect(Date.parse(expiresAt) / 1_000 - 900).toBeGreaterThanOrEqual(before);
  // The SDK would sign the checksum of an empty body, and then nothing could be sent.
  const plain = new URL((await s3.signUpload(terms())).url);
  for (const asked of [searchParams, plain.searchParams])
    expect([...asked.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
  expect(plain.searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host;if-none-match');

  const download = await s3.signDownload({ key: 'backups/b 1', fileName: 'b.lbug', expiresInSeconds: 60 });
  const asked = new URL(download.url);
  expect(download).toMatchObject({ method: 'GET', headers: {} });
  expect(asked.pathname).toBe('/backups/b%201');
  expect(asked.searchParams.get('response-content-disposition')).toBe("attachment; filename*=UTF-8''b.lbug");
});
