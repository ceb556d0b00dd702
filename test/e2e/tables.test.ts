import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { operationIdFor } from '../../domain/identifier.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { newPartKey } from '../../domain/table/table.ts';
import { MAX_FILE_BYTES, uploadKey } from '../../domain/table/table-file.ts';
import { Tables } from '../../domain/table/tables.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { publicationOn } from '../fixtures/publications.ts';
import { type Answer, Client } from './client.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);
const tables = new Tables(stores.tables, new OperationLog(stores.operations));
type Options = Parameters<Client['call']>[1];
type Upload = { method: string; url: string; headers: Record<string, string>; expiresAt: string };
type File = { fileId: string; state: string; links: { self: string }; upload: Upload };

const ROWS = Buffer.from('id,founded\nacme,1949-03-01\n');

let graphId: string;
beforeAll(async () => {
  ({ graphId } = await client.createGraph(companiesGraph()));
});

const path = (table: string, rest = '', of = graphId) => `/v1/graphs/${of}/tables/${table}${rest}`;
const register = (own: Record<string, unknown> = {}, options: Options & { table?: string; of?: string } = {}) => {
  const { table = 'Company', of, ...call } = options;
  return client.call(path(table, '/files', of), {
    body: { fileName: 'rows.csv', bytes: ROWS.length, ...own },
    ...call,
  });
};
const registered = async (own: Record<string, unknown> = {}, options?: Parameters<typeof register>[1]) => {
  const { status, body } = await register(own, options);
  expect({ status, body }).toMatchObject({ status: 201 });
  return body as unknown as File;
};
const send = ({ upload: { method, url, headers } }: File, content: Buffer = ROWS) =>
  fetch(url, { method, headers, body: new Uint8Array(content) });
const remove = (file: string, options: Options = {}) => client.fetch(file, { method: 'DELETE', ...options });
const fieldsOf = ({ body }: Answer) => (body['errors'] as { path: string }[] | undefined)?.map((error) => error.path);
const tableOf = async (name: string, of = graphId) => (await client.call(path(name, '', of))).body;
const freshness = async (of: string) => (await client.call(`/v1/graphs/${of}/freshness`)).body;

/** Publishes rows, as staging does at its end. */
const stage = async (of: string, name: string, at: string): Promise<void> => {
  const operationId = operationIdFor('acme', undefined);
  const before = await tables.claim(of, name, operationId);
  const parts = [{ key: newPartKey(before), rows: 7, bytes: 70, checksum: 'c' }];
  await tables.publish(of, name, publicationOn(before, { operationId, mode: 'create', parts }), at);
};

describe('a file', () => {
  test('is registered, sent by the URL of the answer, and seen to be there', async () => {
    const checksum = createHash('sha256').update(ROWS).digest('hex');
    const answer = await register({ checksum });
    const file = answer.body as unknown as File;
    expect(answer).toMatchObject({
      status: 201,
      body: { format: 'csv', compression: 'none', state: 'awaiting_upload' },
    });
    expect(answer.headers.get('location')).toBe(file.links.self);
    expect(Date.parse(file.upload.expiresAt)).toBeGreaterThan(Date.now());
    expect((await client.call(file.links.self)).body).toMatchObject({ state: 'awaiting_upload' });

    expect((await send(file, Buffer.alloc(ROWS.length))).status).toBe(400);
    expect((await send(file, Buffer.concat([ROWS, ROWS]))).status).toBe(403);
    expect((await send(file)).status).toBe(200);
    expect((await send(file)).status).toBe(412);

    const { upload: _upload, ...view } = file;
    expect((await client.call(file.links.self)).body).toEqual({ ...view, state: 'uploaded' });
    const { body } = await client.call(path('Company', '/files?limit=100'));
    expect(body['files']).toContainEqual({ ...view, state: 'uploaded' });
    expect(await stores.objects.head(uploadKey({ graphId, table: 'Company', fileId: file.fileId }))).toMatchObject({
      bytes: ROWS.length,
    });
  });

  test.each([
    ['rows.csv.gz', {}, { format: 'csv', compression: 'gzip' }],
    ['rows.ndjson', {}, { format: 'ndjson', compression: 'none' }],
    ['rows.json', {}, { format: 'json', compression: 'none' }],
    ['rows.parquet', {}, { format: 'parquet', compression: 'none' }],
    ['rows', { format: 'csv', delimiter: ';' }, { format: 'csv', delimiter: ';' }],
  ])('%s is taken with %o', async (fileName, own, expected) => {
    expect(await registered({ fileName, ...own })).toMatchObject({ fileName, ...expected });
  });

  test('that is registered again with its Idempotency-Key is the same, and another with that key is refused', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await register({}, { headers });
    const again = await register({}, { headers });
    expect(again.body['fileId']).toBe(first.body['fileId']);
    expect([first, again].map((answer) => answer.headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(await register({ bytes: 9 }, { headers })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    // The key is known within its table.
    expect((await registered({}, { headers, table: 'OWNS' })).fileId).not.toBe(first.body['fileId']);
  });

  test('is deleted with its bytes', async () => {
    const file = await registered();
    await send(file);
    expect((await remove(file.links.self)).status).toBe(204);
    expect(await stores.objects.head(uploadKey({ graphId, table: 'Company', fileId: file.fileId }))).toBeUndefined();
    expect(await client.call(file.links.self)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await remove(file.links.self)).status).toBe(404);
  });

  test('stays while its table is being staged, and the answer names the operation', async () => {
    const file = await registered({}, { table: 'Person' });
    const { operationId } = acceptedEvent({ operationId: operationIdFor('acme', undefined) });
    await stores.operations.putEvent(acceptedEvent({ operationId, kind: 'table.create', tenantId: 'acme', graphId }));
    await tables.claim(graphId, 'Person', operationId);
    const refused = await remove(file.links.self);
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 409,
      body: { code: 'conflict', operationId },
    });
    expect(await tableOf('Person')).toMatchObject({ state: 'staging', operationId, pendingFiles: 1 });
    await tables.release(graphId, 'Person', operationId, new Date().toISOString());
    expect(await tableOf('Person')).toMatchObject({ state: 'empty', operationId: null });
    expect((await remove(file.links.self)).status).toBe(204);
  });

  test('pages of a table go through all of its files', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push((await registered({}, { table: 'WORKS_AT' })).fileId);
    const first = (await client.call(path('WORKS_AT', '/files?limit=2'))).body as { files: File[]; cursor: string };
    const next = (await client.call(path('WORKS_AT', `/files?limit=2&cursor=${first.cursor}`))).body as typeof first;
    expect([...first.files, ...next.files].map(({ fileId }) => fileId)).toEqual(ids.sort());
    expect(next.cursor).toBeNull();
    const elsewhere = await client.call(path('Company', `/files?cursor=${first.cursor}`));
    expect(elsewhere).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });
});

describe('what is refused', () => {
  test.each([
    ['a format that the name contradicts', { fileName: 'rows.csv', format: 'parquet' }, 'format'],
    ['a name that does not tell the format', { fileName: 'rows' }, 'format'],
    ['an unknown format', { format: 'xlsx' }, 'format'],
    ['a compression that the name contradicts', { fileName: 'rows.csv.gz', compression: 'none' }, 'compression'],
    ['Parquet in gzip', { fileName: 'rows.parquet.gz' }, 'compression'],
    ['a delimiter of what is no CSV', { fileName: 'rows.json', delimiter: ';' }, 'delimiter'],
    ['a quote as a delimiter', { delimiter: '"' }, 'delimiter'],
    ['a name with a slash', { fileName: '../rows.csv' }, 'fileName'],
    ['no name', { fileName: ' ' }, 'fileName'],
    ['no bytes', { bytes: 0 }, 'bytes'],
    ['half a byte', { bytes: 1.5 }, 'bytes'],
    ['a checksum that is none', { checksum: 'abc' }, 'checksum'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ])('%s', async (_what, own, field) => {
    const answer = await register(own);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(fieldsOf(answer)).toContain(field);
  });

  test('a file that is too large, before anything else', async () => {
    const tooLarge = {
      status: 413,
      body: { code: 'too_large', detail: expect.stringContaining(String(MAX_FILE_BYTES)) },
    };
    expect(await register({ bytes: MAX_FILE_BYTES + 1 })).toMatchObject(tooLarge);
    expect((await register({ bytes: MAX_FILE_BYTES })).status).toBe(201);
  });

  test('a table that the schema has not, told with those that it has', async () => {
    const calls = [
      register({}, { table: 'Nothing' }),
      client.call(path('Nothing')),
      client.call(path('Nothing', '/files')),
      client.call(path('Nothing', `/files/file_${'0'.repeat(26)}`)),
      client.call(path('company')),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect(answer.body['detail']).toContain('Company, Person');
    }
    for (const odd of ['a%20b', '1a', encodeURIComponent('../META')])
      expect(await client.call(path(odd))).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('a file that is not there, or not one of ours', async () => {
    for (const fileId of [`file_${'0'.repeat(26)}`, 'file_1', 'rows.csv']) {
      expect(await client.call(path('Company', `/files/${fileId}`))).toMatchObject({ status: 404 });
      expect((await remove(path('Company', `/files/${fileId}`))).status).toBe(404);
    }
    const elsewhere = await registered();
    expect(await client.call(path('Person', `/files/${elsewhere.fileId}`))).toMatchObject({ status: 404 });
  });

  test('another tenant, for whom none of it is there', async () => {
    const file = await registered();
    const options = { token: client.target.tokens.otherTenant };
    const calls = [
      register({}, options),
      client.call(`/v1/graphs/${graphId}/tables`, options),
      client.call(path('Company'), options),
      client.call(path('Company', '/files'), options),
      client.call(file.links.self, options),
      client.call(file.links.self, { method: 'DELETE', ...options }),
      client.call(`/v1/graphs/${graphId}/freshness`, options),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect(answer.body['detail']).not.toContain('Company');
    }
    expect((await client.call(file.links.self)).status).toBe(200);
    expect((await register({}, { token: null })).status).toBe(401);
  });

  test.each([
    ['suspended', 402, 'payment_required'],
    ['deleting', 409, 'graph_not_ready'],
    ['provisioning', 409, 'graph_not_ready'],
  ])('files of a graph that is %s, or whose parent is', async (status, expected, code) => {
    const parent = await client.createGraph(plainGraph());
    const { body } = await client.call(`/v1/graphs/${parent.graphId}/subgraphs`, { body: { name: 'one' } });
    await client.follow(body['operationId'] as string);
    const [table] = (await client.call(`/v1/graphs/${parent.graphId}/tables`)).body['tables'] as { name: string }[];
    const name = table?.name ?? '';
    const file = await registered({}, { table: name, of: parent.graphId });
    await stores.set(`GRAPH#${parent.graphId}`, 'status', status);
    for (const of of [parent.graphId, body['graphId'] as string])
      expect(await register({}, { table: name, of })).toMatchObject({ status: expected, body: { code } });
    expect((await remove(file.links.self)).status).toBe(expected);
    // What there is can be looked at.
    expect((await client.call(file.links.self)).status).toBe(200);
    await stores.set(`GRAPH#${parent.graphId}`, 'status', 'active');
  });
});

describe('the tables of a graph', () => {
  test('are those of its schema, nodes first, with the columns that files are to have', async () => {
    const { graphId: fresh } = await client.createGraph(companiesGraph());
    await registered({}, { of: fresh });
    const { body } = await client.call(`/v1/graphs/${fresh}/tables`);
    const found = body['tables'] as { name: string; kind: string }[];
    expect(found.find(({ name }) => name === 'Company')).toEqual({
      name: 'Company',
      kind: 'node',
      columns: [
        { name: 'id', type: 'STRING', isKey: true },
        { name: 'founded', type: 'DATE', isKey: false },
        { name: 'revenue', type: 'DOUBLE', isKey: false },
        { name: 'employees', type: 'INT64', isKey: false },
      ],
      state: 'empty',
      version: 0,
      rows: 0,
      bytes: 0,
      stagedBy: null,
      stagedAt: null,
      source: null,
      operationId: null,
      pendingFiles: 1,
      links: {
        self: path('Company', '', fresh),
        files: path('Company', '/files', fresh),
        graph: `/v1/graphs/${fresh}`,
      },
    });
    expect(found.find(({ name }) => name === 'OWNS')).toMatchObject({
      kind: 'relationship',
      columns: [{ name: 'from', type: 'STRING', isKey: true }, { name: 'to' }, { name: 'share', isKey: false }],
    });
    const kinds = found.map(({ kind }) => kind);
    expect(kinds).toEqual([...kinds].sort());
    expect(await tableOf('Company', fresh)).toEqual(found.find(({ name }) => name === 'Company'));
  });

  test('make it stale when they are staged, a subgraph as any graph', async () => {
    const parent = await client.createGraph(companiesGraph());
    const { body } = await client.call(`/v1/graphs/${parent.graphId}/subgraphs`, { body: { name: 'one' } });
    await client.follow(body['operationId'] as string);
    const of = body['graphId'] as string;
    const fresh = {
      stale: false,
      staleSince: null,
      reason: null,
      snapshotVersion: 1,
      materializedAt: null,
      tables: [],
    };
    expect(await freshness(of)).toEqual(fresh);
    expect((await send(await registered({}, { of }))).status).toBe(200);

    await stage(of, 'Company', '2026-01-01T00:01:00.000Z');
    await stage(of, 'OWNS', '2026-01-01T00:02:00.000Z');
    expect(await freshness(of)).toEqual({
      ...fresh,
      stale: true,
      staleSince: '2026-01-01T00:01:00.000Z',
      reason: 'Staged since the snapshot: Company, OWNS.',
      tables: ['Company', 'OWNS'].map((name) => ({ name, rows: 7, version: 1, materializedVersion: 0, source: null })),
    });
    expect(await tableOf('Company', of)).toMatchObject({ state: 'staged', version: 1, rows: 7, bytes: 70 });
    expect(await freshness(parent.graphId)).toEqual(fresh);
  });

  test('go with the graph: their rows, their files, and whatever was sent', async () => {
    const { graphId: of } = await client.createGraph(companiesGraph());
    const file = await registered({}, { of });
    await send(file);
    await registered({}, { of, table: 'OWNS' });
    await stage(of, 'Company', '2026-01-01T00:01:00.000Z');
    expect(await stores.objects.list(`uploads/${of}/`)).toHaveLength(1);

    const { body } = await client.call(`/v1/graphs/${of}?backup=false`, { method: 'DELETE' });
    await client.follow(body['operationId'] as string);
    expect((await client.call(`/v1/operations/${body['operationId'] as string}`)).body).toMatchObject({
      status: 'succeeded',
    });
    expect(await stores.tables.list(of)).toEqual([]);
    expect(await stores.tables.erase(of, 1)).toBe(0);
    expect([...(await stores.objects.list(`uploads/${of}/`)), ...(await stores.objects.list(`graphs/${of}/`))]).toEqual(
      [],
    );
    expect((await client.call(file.links.self)).status).toBe(404);
  });
});

test('who registers and deletes files is in the audit', async () => {
  const file = await registered();
  await remove(file.links.self);
  const { body } = await client.call('/v1/audit?limit=100', { token: client.target.tokens.operator });
  const entries = (body['entries'] ?? body['events']) as { action: string; type: string; graphId: string }[];
  for (const action of [
    'POST /v1/graphs/{graphId}/tables/{table}/files',
    'DELETE /v1/graphs/{graphId}/tables/{table}/files/{fileId}',
  ])
    expect(entries).toContainEqual(expect.objectContaining({ action, type: 'command', graphId }));
});
