import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { subgraphQuotaOf } from '../../domain/graph/subgraph.ts';
import { newSnapshot } from '../../domain/snapshot/snapshot.ts';
import { createDatabase, insertEntity } from '../../instance/database/build-database.ts';
import { measureFile } from '../../instance/workspace.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { type Answer, Client, type StreamedEvent } from './client.ts';
import { Loading } from './staging.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);
type Options = Parameters<Client['call']>[1];

const path = (parentId: string, name?: string) =>
  `/v1/graphs/${parentId}/subgraphs${name === undefined ? '' : `/${name}`}`;

const ask = (parentId: string, body: Record<string, unknown>, options: Options = {}) =>
  client.call(path(parentId), { body, ...options });

const create = async (parentId: string, body: Record<string, unknown>) => {
  const answer = await ask(parentId, body);
  expect(answer).toMatchObject({ status: 202 });
  const { operationId, graphId } = answer.body as { operationId: string; graphId: string };
  return { graphId, operationId, events: await client.follow(operationId) };
};

const remove = (parentId: string, name: string, options: Options = {}) =>
  client.call(path(parentId, name), { method: 'DELETE', ...options });

const endOf = async ({ status, body }: Answer) => {
  expect({ status, body }).toMatchObject({ status: 202 });
  return client.follow(body['operationId'] as string);
};

const list = async (parentId: string) =>
  (await client.call(path(parentId))).body['subgraphs'] as { graphId: string; name: string }[];

/** Publishes a version with one company in it, as a materialization will. */
const fill = async (graphId: string): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-fill-'));
  const file = join(directory, 'graph');
  const { schema } = (await stores.graphs.get(graphId)) ?? {};
  if (schema === undefined) throw new Error('There is no such graph.');
  await createDatabase(file, schema);
  await insertEntity(file, { table: 'Company', properties: { id: 'acme' } }, schema);
  const snapshot = newSnapshot(graphId, 2, await measureFile(file));
  await stores.objects.upload(snapshot.key, file);
  await stores.set(`GRAPH#${graphId}`, 'snapshot', snapshot);
  await rm(directory, { recursive: true });
};

const backupsOf = (events: readonly StreamedEvent[]) =>
  (events.at(-1)?.detail['result'] as { backups: string[] } | undefined)?.backups;

let parentId: string;

beforeAll(async () => {
  ({ graphId: parentId } = await client.createGraph(companiesGraph()));
});

test('a subgraph is created empty on its parent’s instance, with its parent’s schema, and queried by its own id', async () => {
  const answer = await ask(parentId, { name: 'Drafts1', fork: null });
  const { graphId, operationId } = answer.body as { graphId: string; operationId: string };
  expect(answer.body).toMatchObject({
    kind: 'subgraph.create',
    status: 'accepted',
    links: { graph: `/v1/graphs/${graphId}` },
  });
  expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ parentId, name: 'Drafts1' });
  const events = await client.follow(operationId);
  expect(events.map(({ type, step }) => step ?? type)).toEqual([
    'accepted',
    'reserveSubgraph',
    'createDatabase',
    'applySchema',
    'publishSnapshot',
    'succeeded',
  ]);

  const { body: parent } = await client.call(`/v1/graphs/${parentId}`);
  expect(parent).toMatchObject({
    parentId: null,
    subgraphCount: 1,
    links: { subgraphs: path(parentId) },
  });
  const { body: subgraph } = await client.call(`/v1/graphs/${graphId}`);
  expect(subgraph).toMatchObject({
    graphId,
    parentId,
    status: 'active',
    tier: 'standard',
    schema: parent['schema'],
    snapshotVersion: 1,
    subgraphCount: 0,
    links: { parent: `/v1/graphs/${parentId}` },
  });
  const count = 'MATCH (c:Company) RETURN count(c)';
  expect((await client.query(graphId, count)).body).toMatchObject({ rows: [[0]] });
  expect((await client.query(parentId, count)).body).toMatchObject({ rows: [[1]] });

  expect(await list(parentId)).toMatchObject([{ graphId, name: 'Drafts1', status: 'active' }]);
  const { body } = await client.call('/v1/graphs?limit=100');
  const top = (body['graphs'] as { graphId: string }[]).map((graph) => graph.graphId);
  expect(top).toContain(parentId);
  expect(top).not.toContain(graphId);
  // It needs no slot of its own.
  expect(await stores.instances.readSlots((await stores.graphs.get(parentId))?.placement ?? '')).not.toHaveProperty(
    graphId,
  );
});

test('a subgraph can have a schema of its own', async () => {
  const { graphId, events } = await create(parentId, { name: 'people', extensions: ['people'] });
  expect(events.at(-1)?.status).toBe('succeeded');
  expect(
    (await client.query(graphId, 'MATCH (p:Person)-[:AFFILIATED_WITH]->(:Entity) RETURN count(p)')).body,
  ).toMatchObject({
    rows: [[0]],
  });
  const wrong = await ask(parentId, { name: 'wrong', extensions: ['nothing'] });
  expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path: 'extensions.0' }] } });
});

test('a subgraph can be called what every object has, and it is there only when it was made', async () => {
  const { graphId: parent } = await client.createGraph(plainGraph());
  for (const name of ['constructor', 'toString']) {
    expect(await remove(parent, name)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await create(parent, { name })).events.at(-1)?.status).toBe('succeeded');
    expect((await list(parent)).map((subgraph) => subgraph.name)).toContain(name);
    expect((await endOf(await remove(parent, name))).at(-1)?.status).toBe('succeeded');
  }
});

describe('a subgraph is refused', () => {
  test.each([
    ['', 'name'],
    ['a'.repeat(21), 'name'],
    ['with space', 'name'],
    ['dash-ed', 'name'],
    ['ü', 'name'],
  ])('by the name "%s"', async (name, field) => {
    const { status, body } = await ask(parentId, { name });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ path: field }] });
  });

  test.each([
    [{ fork: { tables: ['Company', 'Nothing'], excludePatterns: [] } }, 'fork.tables.1'],
    [{ fork: { excludePatterns: ['a.b'] } }, 'fork.excludePatterns.0'],
    [{ fork: { patterns: [] } }, 'fork.patterns'],
    [{ fork: {}, extensions: ['documents'] }, 'schema'],
  ])('with a fork that can not be: %j', async (body, field) => {
    const answer = await ask(parentId, { name: 'forked', ...body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path: field }] } });
    expect((await list(parentId)).map(({ name }) => name)).not.toContain('forked');
  });

  test('with a field that is not there', async () => {
    const extra = await ask(parentId, { name: 'extra', colour: 'red' });
    expect(extra).toMatchObject({ status: 400, body: { errors: [{ path: 'colour' }] } });
  });

  test('of a graph that is not there or is another tenant’s', async () => {
    expect(await ask('kgnothing', { name: 'a' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const token = client.target.tokens.otherTenant;
    expect(await ask(parentId, { name: 'a' }, { token })).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await client.call(path(parentId), { token })).toMatchObject({ status: 404 });
    expect(await remove(parentId, 'Drafts1', { token })).toMatchObject({ status: 404 });
  });

  test('of a subgraph', async () => {
    const { graphId } = await client
      .call(path(parentId))
      .then(({ body }) => (body['subgraphs'] as { graphId: string }[])[0] ?? { graphId: '' });
    expect(await ask(graphId, { name: 'below' })).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  test('of a graph that is suspended', async () => {
    const { graphId } = await client.createGraph(plainGraph());
    await stores.set(`GRAPH#${graphId}`, 'status', 'suspended');
    expect(await ask(graphId, { name: 'a' })).toMatchObject({ status: 402, body: { code: 'payment_required' } });
  });

  test('by a name that is taken, and its name is free again when it is deleted', async () => {
    const { graphId } = await create(parentId, { name: 'twice' });
    expect(await ask(parentId, { name: 'twice' })).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await endOf(await remove(parentId, 'twice'))).at(-1)?.status).toBe('succeeded');
    const again = await create(parentId, { name: 'twice' });
    expect(again.graphId).not.toBe(graphId);
    await endOf(await remove(parentId, 'twice'));
  });
});

test('creations at once beyond the quota: as many as it allows, and the others hear that the limit is reached', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => ask(graphId, { name: `n${at}` })));
  const codes = await Promise.all(
    answers.map(async (answer) => {
      if (answer.status !== 202) return answer.body['code'];
      const end = (await endOf(answer)).at(-1);
      return end?.status === 'succeeded' ? 'succeeded' : (end?.detail['error'] as { code: string } | undefined)?.code;
    }),
  );
  expect(codes.filter((code) => code === 'succeeded')).toHaveLength(subgraphQuotaOf('standard'));
  expect(codes.filter((code) => code === 'limit_reached')).toHaveLength(12 - subgraphQuotaOf('standard'));
  expect(await list(graphId)).toHaveLength(subgraphQuotaOf('standard'));
  const late = await ask(graphId, { name: 'late' });
  expect(late).toMatchObject({ status: 429, body: { code: 'limit_reached' } });
  expect(late.headers.get('retry-after')).not.toBeNull();
});

test('the same Idempotency-Key at once makes one subgraph, and answers the same when that is gone', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(parentId, { name: 'once' }, { headers })));
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  await endOf(answers[0] as Answer);
  const deletion = { 'idempotency-key': randomUUID() };
  const deleted = await remove(parentId, 'once', { headers: deletion });
  await endOf(deleted);
  expect(await ask(parentId, { name: 'once' }, { headers })).toMatchObject({ status: 202, body: answers[0]?.body });
  expect(await remove(parentId, 'once', { headers: deletion })).toMatchObject({ status: 202, body: deleted.body });
  expect(await remove(parentId, 'once', { headers: deletion, body: { force: true } })).toMatchObject({ status: 422 });
  expect((await list(parentId)).map(({ name }) => name)).not.toContain('once');
});

describe('deleting a subgraph', () => {
  test('that is empty needs no force, and leaves its parent as it was', async () => {
    const { graphId } = await create(parentId, { name: 'empty' });
    const answer = await remove(parentId, 'empty');
    expect(answer.body).toMatchObject({ kind: 'subgraph.delete', graphId });
    const events = await endOf(answer);
    expect(events.at(-1)).toMatchObject({ status: 'succeeded' });
    expect(backupsOf(events)).toHaveLength(1);
    expect(await client.call(`/v1/graphs/${graphId}`)).toMatchObject({ status: 404 });
    expect(await client.query(graphId, 'RETURN 1')).toMatchObject({ status: 404 });
    expect(await stores.objects.list(`graphs/${graphId}/`)).toEqual([]);
    expect(await client.call(`/v1/graphs/${parentId}`)).toMatchObject({ body: { status: 'active' } });
    expect(await remove(parentId, 'empty')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('with something in it is refused without force', async () => {
    const { graphId } = await create(parentId, { name: 'full' });
    await fill(graphId);
    for (const options of [{}, { body: { force: false } }]) {
      expect(await remove(parentId, 'full', options)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    }
    expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body).toMatchObject({ rows: [['acme']] });
    const deleted = await endOf(await remove(parentId, 'full', { body: { force: true, backupFirst: false } }));
    expect(deleted.at(-1)).toMatchObject({ status: 'succeeded', detail: { result: { backups: [] } } });
  });

  test('whose emptiness can not be told is refused as something to try again, and stays', async () => {
    const { graphId } = await create(parentId, { name: 'unsure' });
    const instanceId = (await stores.graphs.get(parentId))?.placement ?? '';
    const { endpoint } = (await stores.instances.get(instanceId)) ?? { endpoint: '' };
    await stores.set(`INSTANCE#${instanceId}`, 'endpoint', 'http://127.0.0.1:1');
    const refused = await remove(parentId, 'unsure');
    await stores.set(`INSTANCE#${instanceId}`, 'endpoint', endpoint);
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
    expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ status: 'active' });
    const forced = await client.call(`${path(parentId, 'unsure')}?force=true&backupFirst=false`, { method: 'DELETE' });
    expect((await endOf(forced)).at(-1)?.status).toBe('succeeded');
  });

  test('is done at its parent, not by its own id', async () => {
    const { graphId } = await create(parentId, { name: 'own' });
    const answer = await client.call(`/v1/graphs/${graphId}`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await endOf(await remove(parentId, 'own'));
  });

  test.each([
    [{ body: { colour: 'red' } }, 'colour'],
    [{ body: { force: 'yes' } }, 'force'],
  ])('%j names what is wrong', async (options, field) => {
    const answer = await remove(parentId, 'Drafts1', options);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
  });
});

test('a graph is deleted with its subgraphs, and a backup of each is kept', async () => {
  const { graphId: doomed } = await client.createGraph(companiesGraph());
  const one = await create(doomed, { name: 'one' });
  const two = await create(doomed, { name: 'two' });
  const events = await endOf(await client.call(`/v1/graphs/${doomed}`, { method: 'DELETE' }));
  expect(events.map(({ step }) => step)).toContain('deleteSubgraphs');
  expect(backupsOf(events)).toHaveLength(3);
  for (const graphId of [doomed, one.graphId, two.graphId]) {
    expect(await client.call(`/v1/graphs/${graphId}`)).toMatchObject({ status: 404 });
    expect(await stores.graphs.get(graphId)).toBeUndefined();
    expect(await stores.objects.list(`graphs/${graphId}/`)).toEqual([]);
  }
});

describe('a fork', () => {
  let parent: Loading;
  beforeAll(async () => {
    parent = new Loading(client, (await client.createGraph(companiesGraph())).graphId);
    const companies = 'id,founded,revenue,employees\na,2001-02-03,1.5,9007199254740993\nb,,,\n"c, ""é""",,-0.5,\n';
    await parent.stageRows('Company', companies);
    await parent.stageRows('Person', 'id,born\np,1980-01-02\n');
    await parent.stageRows('OWNS', 'from,to,share\na,b,0.25\nb,"c, ""é""",1\n');
    await parent.stageRows('WORKS_AT', 'from,to,since\np,a,2020-01-01\n');
    expect(await parent.materialize()).toMatchObject({ status: 'succeeded' });
  });

  const fork = async (name: string, request: Record<string, unknown>) => {
    const answer = await ask(parent.graphId, { name, fork: request });
    const operation = await parent.ended(answer);
    return { operation, forked: new Loading(client, answer.body['graphId'] as string) };
  };
  const COMPANIES = 'MATCH (c:Company) RETURN c.id, c.founded, c.revenue, c.employees ORDER BY c.id';
  const OWNS = 'MATCH (a:Company)-[o:OWNS]->(b:Company) RETURN a.id, o.share, b.id ORDER BY a.id';
  const WORKS_AT = 'MATCH (p:Person)-[w:WORKS_AT]->(c:Company) RETURN p.id, p.born, w.since, c.id';

  test('has all that its parent has, and lives on by itself', async () => {
    const { operation, forked } = await fork('all', { tables: [], excludePatterns: [] });
    expect(operation).toMatchObject({
      kind: 'subgraph.fork',
      status: 'succeeded',
      result: { graphId: forked.graphId, parentVersion: 2, rows: 7, rejected: 0 },
    });
    // How far it was is told by table, when rows are read and when they are loaded; not of each that is done in no time.
    const told = operation.events.filter(({ type }) => type === 'progress');
    for (const step of ['exportTables', 'loadTables']) {
      const detail = { table: expect.any(String), rowsDone: expect.any(Number), rowsTotal: expect.any(Number) };
      expect(told).toContainEqual(expect.objectContaining({ step, detail }));
    }
    for (const question of [COMPANIES, OWNS, WORKS_AT])
      expect(await forked.rows(question)).toEqual(await parent.rows(question));
    expect(await forked.freshness()).toMatchObject({ stale: false, snapshotVersion: 1 });

    // What it was forked with stays when something is added.
    await forked.stageRows('Company', 'id\nd\n', 'insert');
    expect(await forked.materialize()).toMatchObject({ status: 'succeeded', result: { rows: 8 } });
    expect(await forked.rows('MATCH (c:Company) RETURN count(*)')).toEqual([[4]]);
    expect(await forked.rows(OWNS)).toEqual(await parent.rows(OWNS));
    expect(await parent.rows('MATCH (c:Company) RETURN count(*)')).toEqual([[3]]);
  });

  test('has the tables that it names, without those that a pattern matches', async () => {
    const named = { tables: ['Company', 'Person', 'OWNS'], excludePatterns: ['P*n'] };
    const { operation, forked } = await fork('some', named);
    expect(operation).toMatchObject({ status: 'succeeded', result: { rows: 5, rejected: 0 } });
    expect(operation.result?.['tables']).toEqual([
      { table: 'Company', kind: 'node', rows: 3, rejected: 0 },
      { table: 'OWNS', kind: 'relationship', rows: 2, rejected: 0 },
    ]);
    expect(await forked.rows('MATCH (p:Person) RETURN count(*)')).toEqual([[0]]);
    expect(await forked.rows(OWNS)).toEqual(await parent.rows(OWNS));
  });

  test('is partial, and tells so, when relationships that it was to have lack a node', async () => {
    const { operation, forked } = await fork('partial', { tables: ['Company', 'WORKS_AT'] });
    expect(operation).toMatchObject({ status: 'partial', result: { rows: 3, rejected: 1 } });
    expect(operation.result?.['tables']).toEqual([
      { table: 'Company', kind: 'node', rows: 3, rejected: 0 },
      { table: 'WORKS_AT', kind: 'relationship', rows: 0, rejected: 1 },
    ]);
    expect((await client.call(`/v1/graphs/${forked.graphId}`)).body).toMatchObject({ status: 'active' });
  });
});
