import { beforeAll, describe, expect, test } from 'vitest';
import { DynamoRepositoryAccessStore } from '../../domain/repository/dynamo-repository-access-store.ts';
import type { RepositoryName } from '../../domain/repository/repository.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { companiesGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';
import { Loading } from './staging.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);

const newGraph = async (request: Record<string, unknown> = companiesGraph()) =>
  new Loading(client, (await client.createGraph(request)).graphId);

const tableOf = async (graph: Loading, name: string) => (await client.call(graph.path(`/tables/${name}`))).body;

/** Companies that own each other, and people. */
let source: Loading;
beforeAll(async () => {
  source = await newGraph();
  await source.stageRows(
    'Company',
    'id,founded,revenue,employees\na,1999-12-31,0.1,9007199254740993\nb,,2.5,7\nc,,,\n',
  );
  await source.stageRows('OWNS', 'from,to,share\na,b,0.5\na,b,0.25\nb,c,1\n');
  await source.stageRows('Person', 'id,born\np,1980-01-02\n');
  expect(await source.materialize()).toMatchObject({ status: 'succeeded', result: { sources: [] } });
});

const query = (table: string, cypher: string, more: Record<string, unknown> = {}) => ({
  kind: 'query',
  table,
  graphId: source.graphId,
  cypher,
  ...more,
});
const snapshot = (more: Record<string, unknown> = {}) => ({ kind: 'snapshot', graphId: source.graphId, ...more });
const COMPANIES = 'MATCH (c:Company) WHERE c.employees > $least RETURN c.id AS id, c.employees AS employees';

test('tables of a query and of a snapshot are loaded, and stay as if they had been staged', async () => {
  const graph = await newGraph();
  const owned = 'MATCH (a:Company)-[o:OWNS]->(b:Company) RETURN a.id AS `from`, b.id AS `to`, o.share AS share';
  const sources = [
    query('Company', COMPANIES, { parameters: { least: 1 } }),
    query('OWNS', `${owned} ORDER BY share LIMIT 2`),
    snapshot({ excludePatterns: ['Comp*', 'OWN*', 'Entity*'] }),
  ];
  const plan = await graph.askToMaterialize({ sources, dryRun: true });
  const { graphId } = source;
  const versions = { graphId, snapshotVersion: 2 };
  expect(plan).toMatchObject({
    status: 200,
    body: {
      stale: false,
      wouldSkip: false,
      rows: 0,
      tables: expect.arrayContaining([
        { table: 'Company', kind: 'node', version: 1, rows: null, bytes: null, source: { kind: 'query', ...versions } },
        {
          table: 'WORKS_AT',
          kind: 'relationship',
          version: 1,
          rows: null,
          bytes: null,
          source: { kind: 'snapshot', ...versions },
        },
      ]),
    },
  });
  expect(await tableOf(graph, 'Company')).toMatchObject({ state: 'empty', source: null });

  const done = await graph.materialize({ sources });
  expect(done).toMatchObject({
    status: 'succeeded',
    result: {
      skipped: false,
      snapshotVersion: 2,
      rows: 5,
      rejected: 0,
      stale: false,
      sources: [{ graphId, version: 2, tables: expect.arrayContaining(['Company', 'OWNS', 'Person', 'WORKS_AT']) }],
    },
  });
  const told = done.events.filter(({ step }) => step === 'deriveTables').map(({ detail }) => detail);
  expect(told).toContainEqual({ table: 'Company', rows: 2, rejected: 0, source: { kind: 'query', ...versions } });
  const percents = done.events.map(({ percent }) => percent);
  expect(percents).toEqual([...percents].sort((left, right) => left - right));
  expect(await graph.rows('MATCH (c:Company) RETURN c.id, c.founded, c.employees ORDER BY c.id')).toEqual([
    ['a', null, '9007199254740993'],
    ['b', null, 7],
  ]);
  expect(await graph.rows('MATCH (a)-[o:OWNS]->(b) RETURN a.id, o.share, b.id ORDER BY o.share')).toEqual([
    ['a', 0.25, 'b'],
    ['a', 0.5, 'b'],
  ]);
  expect(await graph.rows('MATCH (p:Person) RETURN p.id, p.born')).toEqual([['p', '1980-01-02']]);

  expect(await tableOf(graph, 'Company')).toMatchObject({
    state: 'staged',
    version: 1,
    rows: 2,
    stagedBy: done.operationId,
    operationId: null,
    source: { kind: 'query', ...versions },
  });
  const { stale, tables } = await graph.freshness();
  expect({ stale, tables }).toMatchObject({
    stale: false,
    tables: expect.arrayContaining([
      expect.objectContaining({ name: 'Person', materializedVersion: 1, source: { kind: 'snapshot', ...versions } }),
    ]),
  });
  expect(await graph.materialize()).toMatchObject({ result: { skipped: true } });
  expect((await stores.graphs.get(graph.graphId))?.writer).toBeNull();

  // What is derived can be added to, built anew and forked as what was staged, also when its source changes or goes.
  expect(await graph.stageRows('Company', 'id\nd\n', 'insert')).toMatchObject({ result: { version: 2, rows: 3 } });
  expect(await tableOf(graph, 'Company')).toMatchObject({ source: null });
  expect(await graph.materialize({ rebuild: true })).toMatchObject({ status: 'succeeded', result: { rows: 6 } });
  const body = { name: 'forked', fork: { tables: ['Company', 'OWNS'] } };
  const fork = await client.call(graph.path('/subgraphs'), { body });
  expect(await graph.ended(fork)).toMatchObject({ status: 'succeeded', result: { rows: 5 } });

  // Its own snapshot is a source as well, and a subgraph's.
  const forked = new Loading(client, fork.body['graphId'] as string);
  expect(await tableOf(forked, 'Company')).toMatchObject({
    source: { kind: 'snapshot', graphId: graph.graphId, snapshotVersion: 3 },
  });
  const own = { kind: 'query', table: 'Company', cypher: 'MATCH (c:Company) WHERE c.id <> "d" RETURN c.id AS id' };
  expect(await forked.materialize({ sources: [own], tables: ['Company'] })).toMatchObject({ result: { rows: 4 } });
  const back = { kind: 'snapshot', graphId: forked.graphId, tables: ['Company'] };
  expect(await graph.materialize({ sources: [back] })).toMatchObject({
    status: 'succeeded',
    result: { sources: [{ graphId: forked.graphId, version: 2, tables: ['Company'] }] },
  });
  expect(await graph.rows('MATCH (c:Company) RETURN count(c)')).toEqual([[2]]);
});

test('a source is read as it is when the work begins, and a derived table stays as it was derived', async () => {
  const first = await newGraph();
  await first.stageRows('Company', 'id\nx\n');
  await first.materialize();
  const graph = await newGraph();
  const sources = [{ kind: 'snapshot', graphId: first.graphId, tables: ['Company'] }];
  expect(await graph.materialize({ sources })).toMatchObject({ result: { sources: [{ version: 2 }] } });
  await first.stageRows('Company', 'id\nx\ny\n');
  await first.materialize();
  expect(await graph.freshness()).toMatchObject({ stale: false });
  expect(await graph.materialize({ force: true })).toMatchObject({ status: 'succeeded' });
  expect(await graph.rows('MATCH (c:Company) RETURN count(c)')).toEqual([[1]]);
  expect(await graph.materialize({ sources })).toMatchObject({ result: { sources: [{ version: 3 }] } });
  expect(await graph.rows('MATCH (c:Company) RETURN count(c)')).toEqual([[2]]);
});

describe('rows that do not fit', () => {
  const sources = () => [
    query('Company', 'MATCH (c:Company) RETURN c.id AS id, c.revenue AS employees'),
    query('OWNS', 'MATCH (a)-[:OWNS]->(b) RETURN a.id AS `from`, b.id AS `to`'),
  ];

  test('fail the operation with the row, and leave graph and tables as they were', async () => {
    const graph = await newGraph();
    const failed = await graph.materialize({ sources: sources() });
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } });
    for (const part of ['Company', source.graphId, 'employees', '0.1']) expect(failed.error?.message).toContain(part);
    expect(failed.events.map(({ detail }) => detail)).toContainEqual(expect.objectContaining({ rejected: 2 }));
    expect(await tableOf(graph, 'Company')).toMatchObject({ state: 'empty', version: 0, operationId: null });
    expect(await stores.objects.list(`graphs/${graph.graphId}/tables/`)).toEqual([]);
    expect(await graph.freshness()).toMatchObject({ stale: false, snapshotVersion: 1 });
    expect(await graph.rows('MATCH (c:Company) RETURN c.id')).toEqual([['acme']]);
  });

  test('are left out and told when that is asked for, with those that lack them', async () => {
    const graph = await newGraph();
    const partial = await graph.materialize({ sources: sources(), ignoreErrors: true });
    expect(partial).toMatchObject({
      status: 'partial',
      result: {
        rows: 1,
        rejected: 5,
        tables: [
          { table: 'Company', rows: 1, rejected: 2 },
          { table: 'OWNS', rows: 0, rejected: 3 },
        ],
      },
    });
    expect(await graph.rows('MATCH (c:Company) RETURN c.id')).toEqual([['c']]);
    const { body } = await client.call(partial.result?.['report'] as string);
    const lines = (await (await fetch(body['url'] as string)).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(5);
    expect(lines).toContainEqual({
      table: 'Company',
      row: expect.any(Number),
      reason: 'employees "0.1" is not a whole number in the range of INT64',
      source: source.graphId,
    });
  });
});

test('a query that fails when it runs ends the operation with why, and nothing of it is left', async () => {
  const graph = await newGraph();
  for (const [cypher, code, part] of [
    ['MATCH (n:Nothing) RETURN n.id AS id', 'query_failed', 'Nothing'],
    ['MATCH (c:Company) RETURN c.id AS id, c.id AS name', 'invalid_request', 'Company has no column name'],
    ['MATCH (c:Company) RETURN c.revenue AS revenue', 'invalid_request', 'the column id is missing'],
    ['MATCH (c:Company) RETURN c AS id', 'query_failed', 'NODE'],
  ] as const) {
    const failed = await graph.materialize({ sources: [query('Company', cypher)] });
    expect(failed).toMatchObject({ status: 'failed', error: { code } });
    expect(failed.error?.message).toContain('The query for Company');
    expect(failed.error?.message).toContain(part);
  }
  expect((await stores.graphs.get(graph.graphId))?.writer).toBeNull();
  expect(await tableOf(graph, 'Company')).toMatchObject({ state: 'empty', version: 0 });
});

test('a repository is a source while the tenant has access to it', async () => {
  const known = await stores.graphs.get(source.graphId);
  // None that other tests ask for.
  const repository = 'registry' as RepositoryName;
  const { graphId } = await newGraph();
  for (const [attribute, value] of Object.entries({ kind: 'repository', name: repository, tenantId: '~fleet' }))
    await stores.set(`GRAPH#${graphId}`, attribute, value);
  const graph = await newGraph();
  const sources = [{ kind: 'snapshot', graphId, tables: ['Company'] }];
  const asked = () => graph.askToMaterialize({ sources });
  expect(await asked()).toMatchObject({ status: 404, body: { code: 'not_found' } });

  const accesses = new DynamoRepositoryAccessStore(stores.table);
  const { tenantId = '' } = known ?? {};
  const access = { tenantId, repository, plan: 'reader', graphId, operationId: 'op_access', grantedAt: '' } as const;
  await accesses.grant({ ...access, status: 'active' });
  await accesses.follow(tenantId, repository, 'suspended', 'mark-1');
  expect(await asked()).toMatchObject({ status: 402, body: { code: 'payment_required' } });
  await accesses.follow(tenantId, repository, 'active', 'mark-2');
  expect(await graph.materialize({ sources })).toMatchObject({
    status: 'succeeded',
    result: { sources: [{ graphId }] },
  });
  await accesses.remove(tenantId, repository, 'op_access', ['active']);
  expect(await asked()).toMatchObject({ status: 404 });
});

describe('sources are refused before anything begins', () => {
  let graph: Loading;
  beforeAll(async () => {
    graph = await newGraph();
  });
  afterEachIsUnclaimed();

  const refusedAs = async (body: Record<string, unknown>, status: number, code: string, path?: string) => {
    for (const dryRun of [true, false]) {
      const answer = await graph.askToMaterialize({ ...body, dryRun });
      expect(answer).toMatchObject({ status, body: { code } });
      if (path !== undefined) expect(answer.body).toMatchObject({ errors: [{ path }] });
    }
  };

  test.each([
    ['another kind', () => [{ kind: 'file' }], 'sources.0.kind'],
    ['a field that is not there', () => [{ ...query('Company', 'RETURN 1 AS id'), limit: 1 }], 'sources.0.limit'],
    ['no query', () => [{ kind: 'query', table: 'Company' }], 'sources.0.cypher'],
    ['a snapshot of no graph', () => [{ kind: 'snapshot' }], 'sources.0.graphId'],
    ['a table that is not there', () => [query('Nothing', 'RETURN 1 AS id')], 'sources.0.table'],
    ['a table that the source has not', () => [snapshot({ tables: ['Company', 'Nothing'] })], 'sources.0.tables.1'],
    ['no table', () => [snapshot({ excludePatterns: ['*'] })], 'sources.0.tables'],
    ['a table twice', () => [query('Company', 'RETURN 1 AS id'), snapshot({ tables: ['Company'] })], 'sources.1'],
  ])('with %s', async (_, sources, path) => {
    await refusedAs({ sources: sources() }, 400, 'invalid_request', path);
  });

  test('with an option that would say nothing', async () => {
    for (const option of ['force', 'rebuild'])
      await refusedAs({ sources: [snapshot()], [option]: true }, 400, 'invalid_request', 'sources');
  });

  test('with tables of the same name that are not the same', async () => {
    const other = { ...companiesGraph(), kind: 'generic', entity: null };
    const [company] = other.schema.nodes;
    company?.properties.splice(1, 1, { name: 'closed', type: 'DATE' });
    const { graphId } = await client.createGraph(other);
    await refusedAs({ sources: [{ kind: 'snapshot', graphId }] }, 400, 'invalid_request', 'sources.0.tables');
  });

  test('with a query that writes or reads files', async () => {
    for (const cypher of ['CREATE (:Company {id: "x"})', 'LOAD FROM "/etc/passwd" RETURN *'])
      await refusedAs({ sources: [query('Company', cypher)] }, 400, 'read_only');
    const hidden = await graph.materialize({
      sources: [query('Company', 'MATCH (c:Company) DELETE c RETURN 1 AS id')],
    });
    expect(hidden).toMatchObject({ status: 'failed', error: { code: 'read_only' } });
  });

  test('of a graph that is not there, is another tenant’s, is not paid for, has no snapshot, or is too large', async () => {
    const from = (graphId: string) => ({ sources: [{ kind: 'snapshot', graphId, tables: ['Company'] }] });
    await refusedAs(from('kg0nothing'), 404, 'not_found');
    const token = client.target.tokens.otherTenant;
    const theirs = await client.call('/v1/graphs', { token, body: companiesGraph() });
    const other = theirs.body['graphId'] as string;
    await refusedAs(from(other), 404, 'not_found');
    const asked = { kind: 'query', table: 'Company', graphId: other, cypher: 'MATCH (c:Company) RETURN c.id AS id' };
    await refusedAs({ sources: [asked] }, 404, 'not_found');

    const own = await newGraph();
    const known = await stores.graphs.get(own.graphId);
    const large = { ...known?.snapshot, bytes: TABLE_LIMITS.standard.bytes + 1 };
    await stores.set(`GRAPH#${own.graphId}`, 'snapshot', large);
    await refusedAs(from(own.graphId), 413, 'too_large');
    await stores.set(`GRAPH#${own.graphId}`, 'snapshot', null);
    await refusedAs(from(own.graphId), 409, 'graph_not_ready');
    await stores.set(`GRAPH#${own.graphId}`, 'status', 'suspended');
    await refusedAs(from(own.graphId), 402, 'payment_required');
  });

  function afterEachIsUnclaimed() {
    test('and nothing is claimed then', async () => {
      expect((await stores.graphs.get(graph.graphId))?.writer).toBeNull();
    });
  }
});
