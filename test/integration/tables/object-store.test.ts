import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../../domain/snapshot/object-store.ts';
import { openObjectStore } from '../../../domain/snapshot/open-object-store.ts';
import { signedUrl } from '../../../domain/snapshot/signed-request.ts';
import { type RunningObjectEndpoint, startObjectEndpoint } from '../../../local/object-store/start-object-endpoint.ts';
import {
  CONTENT,
  describeObjectStore,
  OTHER,
  SHA256,
  send,
  sendRaw,
  terms,
} from '../../fixtures/object-store-contract.ts';

let directory: string;
let served: RunningObjectEndpoint;
let objects: ObjectStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-objects-'));
  served = await startObjectEndpoint(directory);
  const { endpoint, secret } = served;
  objects = openObjectStore(`${pathToFileURL(directory).href}?${new URLSearchParams({ endpoint, secret }).toString()}`);
});

afterAll(async () => {
  await served.close();
  await rm(directory, { recursive: true, force: true });
});

describeObjectStore('a directory', () => objects);

test('nothing is left of an upload that was cut off', async () => {
  const { url } = await objects.signUpload(terms());
  await sendRaw(url, { 'content-length': String(CONTENT.length) }, CONTENT.subarray(0, 3), true);
  await expect.poll(() => readdir(join(directory, 'partial')), { timeout: 20_000 }).toEqual([]);
});

test('what a process that was killed had not written to the end goes with the next upload, what others write stays', async () => {
  const partial = join(directory, 'partial');
  const ended = spawnSync(process.execPath, ['--version']).pid;
  for (const pid of [ended, process.pid]) await writeFile(join(partial, `${pid}-file`), 'half');
  const file = join(directory, 'whole');
  await writeFile(file, 'whole');
  await objects.upload('a/b', file);
  expect(await readdir(partial)).toEqual([`${process.pid}-file`]);
  await rm(join(partial, `${process.pid}-file`));
});

describe('what a directory signed is taken', () => {
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

test('a directory that nobody serves signs nothing', async () => {
  const unserved = openObjectStore(pathToFileURL(directory).href);
  await expect(unserved.signUpload(terms())).rejects.toMatchObject({ code: 'internal' });
});
