import { describe, expect, test } from 'vitest';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';

const client = new Client();

const node = (name: string, ...properties: object[]) => ({
  name,
  properties: [{ name: 'id', type: 'STRING', primaryKey: true }, ...properties],
});
const schema = (nodes: object[], relationships: object[] = [], own: object = {}) => ({
  schema: { name: 'bad', version: '1.0.0', nodes, relationships, ...own },
});

/** What is wrong, the request that has it, and the field that the answer must name. */
const BAD: [string, Record<string, unknown>, string][] = [
  ['an unknown field', plainGraph({ colour: 'red' }), 'colour'],
  ['an unknown field deep inside', plainGraph(schema([{ ...node('A'), colour: 'red' }])), 'schema.nodes.0.colour'],
  ['no name', { kind: 'generic' }, 'name'],
  ['a wrong type', plainGraph({ name: 7 }), 'name'],
  ['an unknown kind', plainGraph({ kind: 'tree' }), 'kind'],
  ['an unknown tier', plainGraph({ tier: 'huge' }), 'tier'],
  ['an unknown extension', plainGraph({ extensions: ['nonsense'] }), 'extensions.0'],
  ['the same extension twice', plainGraph({ extensions: ['people', 'people'] }), 'extensions.1'],
  ['a tag that no object can keep', plainGraph({ tags: JSON.parse('{"__proto__":"a"}') as object }), 'tags.__proto__'],
  ['tags that are no strings', plainGraph({ tags: { a: 1 } }), 'tags.a'],
  [
    'more than 50 tags',
    plainGraph({ tags: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [at, ''])) }),
    'tags',
  ],
  [
    'a relationship to a missing node',
    plainGraph(schema([node('A')], [{ name: 'R', from: 'A', to: 'B' }])),
    'schema.relationships.0.to',
  ],
  [
    'a relationship from a missing node',
    plainGraph(schema([node('A')], [{ name: 'R', from: 'B', to: 'A' }])),
    'schema.relationships.0.from',
  ],
  [
    'two primary keys',
    plainGraph(schema([node('A', { name: 'b', type: 'STRING', primaryKey: true })])),
    'schema.nodes.0.properties.1.primaryKey',
  ],
  [
    'no primary key',
    plainGraph(schema([{ name: 'A', properties: [{ name: 'b', type: 'STRING' }] }])),
    'schema.nodes.0.properties',
  ],
  [
    'a reserved name',
    plainGraph(schema([node('A', { name: '_id', type: 'STRING' })])),
    'schema.nodes.0.properties.1.name',
  ],
  ['a name that is no identifier', plainGraph(schema([node('A; DROP TABLE B')])), 'schema.nodes.0.name'],
  ['two tables of one name', plainGraph(schema([node('A'), node('a')])), 'schema.nodes.1.name'],
  [
    'a table of a name that the base has',
    plainGraph(schema([node('Entity')], [], { extends: 'base' })),
    'schema.nodes.0.name',
  ],
  [
    'an unknown type',
    plainGraph(schema([node('A', { name: 'b', type: 'VARCHAR' })])),
    'schema.nodes.0.properties.1.type',
  ],
  ['an unknown base', plainGraph(schema([node('A')], [], { extends: 'nonsense' })), 'schema.extends'],
  ['a version that is none', plainGraph(schema([node('A')], [], { version: 'one' })), 'schema.version'],
  ['an entity of a generic graph', companiesGraph({ kind: 'generic' }), 'entity'],
  ['an entity graph without its entity', companiesGraph({ entity: null }), 'entity'],
  ['an entity of a missing table', companiesGraph({ entity: { table: 'Ship', properties: {} } }), 'entity.table'],
  [
    'an entity without its key',
    companiesGraph({ entity: { table: 'Company', properties: {} } }),
    'entity.properties.id',
  ],
  [
    'an entity with a wrong date',
    companiesGraph({ entity: { table: 'Company', properties: { id: 'a', founded: 'yesterday' } } }),
    'entity.properties.founded',
  ],
  [
    'an entity with an unknown property',
    companiesGraph({ entity: { table: 'Company', properties: { id: 'a', ships: 1 } } }),
    'entity.properties.ships',
  ],
];

describe('a request that can not be met names the field, and nothing is allocated', () => {
  const allocated = async () => JSON.stringify((await client.call('/v1/operations?limit=1')).body['operations']);

  test.each(BAD)('%s', async (_what, body, path) => {
    const before = await allocated();
    const answer = await client.call('/v1/graphs', { body });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request', retryable: false });
    expect((answer.body['errors'] as { path: string }[]).map((error) => error.path)).toContain(path);
    expect(await allocated()).toBe(before);
  });

  test('malformed JSON', async () => {
    const answer = await client.call('/v1/graphs', { text: '{"name": "A",' });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request' });
    expect(answer.body['detail']).toContain('JSON');
  });

  test.each(['[]', '"graph"', 'null', ''])('a body that is no object: %j', async (text) => {
    expect((await client.call('/v1/graphs', { method: 'POST', text })).status).toBe(400);
  });

  test('a body or a type that is nested without end', async () => {
    const nested = `${'['.repeat(10_000)}1${']'.repeat(10_000)}`;
    const text = `{"name":"A","kind":"entity","entity":{"table":"Entity","properties":{"identifier":${nested}}}}`;
    expect(await client.call('/v1/graphs', { text })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const body = plainGraph(schema([node('A', { name: 'b', type: `STRING${'[]'.repeat(10_000)}` })]));
    const answer = await client.call('/v1/graphs', { body });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'schema.nodes.0.properties.1.type' }] } });
  });

  test('a body of 1 MB', async () => {
    const answer = await client.call('/v1/graphs', { body: plainGraph({ tags: { a: 'x'.repeat(1_000_000) } }) });
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ code: 'too_large' });
  });

  test('a body that is small as sent and too large as kept', async () => {
    const values = Array.from({ length: 20_000 }, () => '1e20').join(',');
    const schema = `{"name":"s","version":"1.0.0","nodes":[{"name":"A","properties":[{"name":"id","type":"STRING","primaryKey":true},{"name":"v","type":"DOUBLE[]"}]}]}`;
    const text = `{"name":"A","kind":"entity","schema":${schema},"entity":{"table":"A","properties":{"id":"a","v":[${values}]}}}`;
    const answer = await client.call('/v1/graphs', { text });
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ code: 'too_large' });
  });

  test.each(['', 'x'.repeat(201), 'with space'])('an Idempotency-Key that is none: %j', async (key) => {
    const answer = await client.call('/v1/graphs', { body: plainGraph(), headers: { 'idempotency-key': key } });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ path: 'Idempotency-Key' }] });
  });
});

describe('a path or a query that can not be met', () => {
  test.each([
    ['PUT', '/v1/graphs'],
    ['PATCH', '/v1/graphs'],
    ['GET', '/v1/nothing'],
    ['GET', '/'],
    ['POST', '/v1/operations'],
  ])('%s %s is not there', async (method, path) => {
    const answer = await client.call(path, { method });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ code: 'not_found' });
  });

  test.each([
    '/v1/graphs/kg01nothing',
    '/v1/graphs/..%2f..',
    '/v1/operations/op_00000000000000000000000000',
    '/v1/operations/nonsense',
  ])('%s is not there', async (path) => {
    const answer = await client.call(path);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ code: 'not_found' });
  });

  test.each([
    ['/v1/graphs?limit=0', 'limit'],
    ['/v1/graphs?limit=many', 'limit'],
    ['/v1/graphs?colour=red', 'colour'],
    ['/v1/graphs?cursor=nonsense', 'cursor'],
    ['/v1/operations?status=sleeping', 'status'],
    ['/v1/operations?kind=graph.eat', 'kind'],
    ['/v1/operations/op_00000000000000000000000000/events?after=999999989', 'after'],
  ])('%s names %s', async (path, field) => {
    const answer = await client.call(path);
    expect(answer.status).toBe(400);
    expect((answer.body['errors'] as { path: string }[]).map((error) => error.path)).toContain(field);
  });

  test('a cursor that was tampered with is refused as such', async () => {
    for (let count = 0; count < 2; count += 1) await client.createGraph(plainGraph());
    const { cursor } = (await client.call('/v1/graphs?limit=1')).body as { cursor: string };
    const { sk: _sk, ...rest } = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Record<string, unknown>;
    const unkeyed = [{ sk: '' }, { sk: 'META', createdKey: '' }, { sk: 'META', createdKey: 'x'.repeat(1_100) }];
    const forgeries = [rest, { ...rest, sk: 7 }, { ...rest, sk: 'META', more: 'x' }];
    for (const forged of [...forgeries, ...unkeyed.map((own) => ({ ...rest, ...own }))]) {
      const answer = await client.call(
        `/v1/graphs?cursor=${Buffer.from(JSON.stringify(forged)).toString('base64url')}`,
      );
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ errors: [{ path: 'cursor' }] });
    }
  });

  test("a cursor of another tenant's listing reads nothing of it", async () => {
    for (let count = 0; count < 2; count += 1) await client.createGraph(plainGraph());
    const { cursor } = (await client.call('/v1/graphs?limit=1')).body as { cursor: string };
    const answer = await client.call(`/v1/graphs?cursor=${encodeURIComponent(cursor)}`, {
      token: client.target.tokens.otherTenant,
    });
    expect(answer.status).toBe(400);
  });
});
