import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore, SignedRequest } from '../../../domain/snapshot/object-store.ts';
import { openObjectStore } from '../../../domain/snapshot/open-object-store.ts';
import { S3ObjectStore } from '../../../domain/snapshot/s3-object-store.ts';
import { signedUrl } from '../../../domain/snapshot/signed-request.ts';
import { type RunningObjectEndpoint, startObjectEndpoint } from '../../../local/object-store/start-object-endpoint.ts';

const CONTENT = Buffer.from('id,name\n1,Zoë\n');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const OTHER = Buffer.alloc(CONTENT.length, 'x');

let directory: string;
let served: RunningObjectEndpoint;
let objects: ObjectStore;
let s3: ObjectStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-objects-'));
  served = await startObjectEndpoint(directory);
  const { endpoint, secret } = served;
  objects = openObjectStore(`${pathToFileURL(directory).href}?${new URLSearchParams({ endpoint, secret }).toString()}`);
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
  s3 = new S3ObjectStore('bucket', { region: 'eu-central-1', credentials });
});

afterAll(async () => {
  await served.close();
  await rm(directory, { recursive: true, force: true });
});

let keys = 0;
const newKey = () => {
  keys += 1;
  return `uploads/kg1/Company/file ${keys}`;
};
const terms = (
  own: Partial<{ key: string; bytes: number; checksum: string | null; expiresInSeconds: number }> = {},
) => ({
  key: newKey(),
  bytes: CONTENT.length,
  checksum: null,
  expiresInSeconds: 900,
  ...own,
});
const send = async ({ method, url, headers }: SignedRequest, body: Buffer = CONTENT): Promise<number> =>
  (await fetch(url, { method, headers, body: new Uint8Array(body) })).status;

/** Sends what `fetch` would set right: a length that is not true, or none. */
const sendRaw = (url: string, headers: Record<string, string>, body: Buffer, cutShort = false): Promise<number> =>
  new Promise((resolve, reject) => {
    const sending = request(url, { method: 'PUT', headers: { 'if-none-match': '*', ...headers } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sending.on('error', () => (cutShort ? resolve(0) : reject(new Error('The connection was cut.'))));
    sending.write(body);
    if (cutShort) sending.on('socket', (socket) => setImmediate(() => socket.destroy()));
    else sending.end();
  });

describe('a signed upload is taken', () => {
  test('once, whole, and then it is there with its size', async () => {
    const upload = terms();
    const signed = await objects.signUpload(upload);
    expect(await objects.head(upload.key)).toBeUndefined();
    expect(await send(signed)).toBe(200);
    expect(await objects.head(upload.key)).toEqual({ bytes: CONTENT.length, checksum: null });
    // Whoever has the URL can not change what was checked meanwhile.
    expect(await send(signed, OTHER)).toBe(412);
    const download = await objects.signDownload({
      key: upload.key,
      fileName: 'Zoë’s "rows".csv',
      expiresInSeconds: 60,
    });
    const got = await fetch(download.url);
    expect(Buffer.from(await got.arrayBuffer())).toEqual(CONTENT);
    expect(got.headers.get('content-disposition')).toBe(
      `attachment; filename*=UTF-8''Zo%C3%AB%E2%80%99s%20%22rows%22.csv`,
    );
  });

  test('by one of many that send at once', async () => {
    const signed = await objects.signUpload(terms());
    const statuses = await Promise.all(Array.from({ length: 6 }, () => send(signed)));
    expect(statuses.sort()).toEqual([200, 412, 412, 412, 412, 412]);
  });

  test('of just the bytes that were declared, and only with the headers that were signed', async () => {
    const upload = terms();
    const signed = await objects.signUpload(upload);
    expect(await send(signed, CONTENT.subarray(1))).toBe(403);
    expect(await send(signed, Buffer.concat([CONTENT, CONTENT]))).toBe(403);
    expect(await sendRaw(signed.url, { 'transfer-encoding': 'chunked' }, CONTENT)).toBe(403);
    expect(await send({ ...signed, headers: {} })).toBe(403);
    expect(await objects.head(upload.key)).toBeUndefined();
    expect(await send(signed)).toBe(200);
  });

  test('of just the content that was declared, where it was', async () => {
    const signed = await objects.signUpload(terms({ checksum: SHA256 }));
    expect(await send(signed, OTHER)).toBe(400);
    expect(await send(signed)).toBe(200);
  });

  test('whole or not at all: what was cut off can be sent again', async () => {
    const upload = terms();
    const { url, headers } = await objects.signUpload(upload);
    await sendRaw(url, { 'content-length': String(CONTENT.length) }, CONTENT.subarray(0, 3), true);
    expect(await objects.head(upload.key)).toBeUndefined();
    expect(await send({ method: 'PUT', url, headers, expiresAt: '' })).toBe(200);
    expect(await readdir(join(directory, 'partial'))).toEqual([]);
  });

  test('until it expires, and by no other terms', async () => {
    expect(await send(await objects.signUpload(terms({ expiresInSeconds: -1 })))).toBe(403);
    const signed = await objects.signUpload(terms());
    for (const [name, value] of [
      ['bytes', String(OTHER.length + 1)],
      ['expires', '9999999999'],
      ['checksum', SHA256],
      ['signature', 'A'.repeat(43)],
      ['signature', ''],
    ] as const) {
      const url = new URL(signed.url);
      url.searchParams.set(name, value);
      expect(await send({ ...signed, url: url.href })).toBe(403);
    }
    expect(await send({ ...signed, url: signed.url.replace('Company', 'Person') })).toBe(403);
    expect((await fetch(signed.url)).status).toBe(403);
    expect((await fetch(signed.url, { method: 'DELETE' })).status).toBe(403);
  });

  test('nowhere but among the objects, even where somebody signed for that', async () => {
    await writeFile(join(directory, 'beside'), 'secret');
    const { endpoint, secret } = served;
    const expires = Date.now() / 1_000 + 60;
    for (const key of ['..%2Fbeside', '../beside', 'a//b', 'a/./b', 'a\\..\\b']) {
      const url = signedUrl(endpoint, secret, { method: 'GET', key: decodeURIComponent(key), expires });
      const escaped = url.replaceAll('../', '..%2F');
      for (const asked of [url, escaped]) expect([400, 403]).toContain((await fetch(asked)).status);
    }
  });
});

test('an object that is not there can not be had', async () => {
  const download = await objects.signDownload({ key: newKey(), fileName: 'a', expiresInSeconds: 60 });
  expect((await fetch(download.url)).status).toBe(404);
});

test('a listing gives as many keys as it is asked for', async () => {
  for (let count = 0; count < 3; count += 1) await send(await objects.signUpload(terms({ key: `listed/${count}` })));
  expect(await objects.list('listed/')).toHaveLength(3);
  expect(await objects.list('listed/', 2)).toHaveLength(2);
  expect(await objects.list('listed/', 0)).toEqual([]);
});

test('a directory that nobody serves signs nothing', async () => {
  const unserved = openObjectStore(pathToFileURL(directory).href);
  await expect(unserved.signUpload(terms())).rejects.toMatchObject({ code: 'internal' });
});

test('what signs on S3 signs the same terms: key, length, checksum, no overwriting, and when it expires', async () => {
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
