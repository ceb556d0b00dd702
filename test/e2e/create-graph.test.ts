import { expect, test } from 'vitest';
import type * as z from 'zod';
import { GraphPage, GraphView } from '../../contract/api/graphs.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';
import { openStores } from './stores.ts';

type GraphPageBody = z.infer<typeof GraphPage>;

const client = new Client();

test('a graph with a custom schema and one entity is created, followed live and queried', async () => {
  const { graphId, operationId, events } = await client.createGraph(companiesGraph());
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(events.map(({ type, step, status, percent }) => [type, step, status, percent])).toEqual([
    ['accepted', null, 'accepted', 0],
    ['started', 'takeSlot', 'running', 10],
    ['step_completed', 'createDatabase', 'running', 25],
    ['step_completed', 'applySchema', 'running', 40],
    ['step_completed', 'createEntity', 'running', 55],
    ['step_completed', 'publishSnapshot', 'running', 80],
    ['succeeded', null, 'succeeded', 100],
  ]);

  const operation = await client.call(`/v1/operations/${operationId}`);
  expect(operation.body).toMatchObject({
    operationId,
    kind: 'graph.create',
    status: 'succeeded',
    percent: 100,
    graphId,
    seq: 7,
    result: { graphId },
    error: null,
    queue: null,
  });

  const graph = await client.call(`/v1/graphs/${graphId}`);
  expect(graph.body).toMatchObject({
    graphId,
    name: 'Acme',
    kind: 'entity',
    tier: 'standard',
    status: 'active',
    snapshotVersion: 1,
  });

  const answer = await client.query(graphId, 'MATCH (c:Company) RETURN c.id, c.founded, c.revenue, c.employees');
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    columns: ['c.id', 'c.founded', 'c.revenue', 'c.employees'],
    types: ['STRING', 'DATE', 'DOUBLE', 'INT64'],
    rows: [['acme', '1949-03-01', 1234.5, '9007199254740993']],
    rowCount: 1,
    truncated: false,
    snapshotVersion: 1,
  });
  const empty = await client.query(graphId, 'MATCH (p:Person)-[w:WORKS_AT]->(:Company) RETURN p.id, w.since');
  expect(empty.body).toMatchObject({ rows: [], rowCount: 0 });
});

test('the 202 tells where everything is, and every link leads there at once', async () => {
  const { status, headers, body } = await client.call('/v1/graphs', { body: plainGraph() });
  const { operationId, graphId } = body as { operationId: string; graphId: string };
  expect(status).toBe(202);
  expect(headers.get('location')).toBe(`/v1/operations/${operationId}`);
  expect(body).toEqual({
    operationId,
    kind: 'graph.create',
    status: 'accepted',
    graphId,
    links: {
      self: `/v1/operations/${operationId}`,
      events: `/v1/operations/${operationId}/events`,
      cancel: `/v1/operations/${operationId}`,
      graph: `/v1/graphs/${graphId}`,
    },
  });
  expect((await client.call(`/v1/operations/${operationId}`)).status).toBe(200);
  expect((await client.call(`/v1/graphs/${graphId}`)).body['status']).toMatch(/provisioning|active/);
  await client.follow(operationId);
});

test('a graph without a schema has the base schema, which is empty', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  expect((await client.query(graphId, 'MATCH (e:Entity) RETURN count(e)')).body).toMatchObject({ rows: [[0]] });
});

test('tags and properties can have any name, also one that every object has', async () => {
  const tags = { constructor: 'a', toString: 'b' };
  const properties = [
    { name: 'id', type: 'STRING', primaryKey: true },
    { name: 'constructor', type: 'STRING' },
    { name: 'valueOf', type: 'STRING' },
  ];
  const schema = { name: 'names', version: '1.0.0', nodes: [{ name: 'Named', properties }] };
  const entity = { table: 'Named', properties: { id: 'a', constructor: 'b' } };
  const { graphId, events } = await client.createGraph({ name: 'Names', kind: 'entity', tags, schema, entity });
  expect(events.at(-1)?.status).toBe('succeeded');
  expect((await client.call(`/v1/graphs/${graphId}`)).body['tags']).toEqual(tags);
  const answer = await client.query(graphId, 'MATCH (n:Named) RETURN n.id, n.constructor, n.valueOf');
  expect(answer.body['rows']).toEqual([['a', 'b', null]]);
});

test('extensions are merged in', async () => {
  const { graphId } = await client.createGraph(plainGraph({ extensions: ['people', 'documents'] }));
  const answer = await client.query(graphId, 'MATCH (p:Person)-[:AFFILIATED_WITH]->(:Entity) RETURN count(p)');
  expect(answer.body).toMatchObject({ rows: [[0]] });
});

test('createEntity: false gives the schema of an entity graph without the entity', async () => {
  const { graphId, events } = await client.createGraph(companiesGraph({ createEntity: false }));
  expect(events.map(({ step }) => step)).not.toContain('createEntity');
  expect((await client.query(graphId, 'MATCH (c:Company) RETURN count(c)')).body).toMatchObject({ rows: [[0]] });
});

test('every tier that has instances serves graphs of its own, on its own instances', async () => {
  const { graphs, instances } = openStores(client.target);
  for (const tier of ['large', 'xlarge']) {
    for (const asked of [plainGraph({ tier }), companiesGraph({ tier })]) {
      const { graphId, events } = await client.createGraph(asked);
      expect(events.at(-1)?.status).toBe('succeeded');
      expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ tier, status: 'active' });
      const placement = (await graphs.get(graphId))?.placement ?? '';
      expect(await instances.get(placement)).toMatchObject({ tier });
    }
  }
});

test('a graph is seen whole from its first moment on, alone and in the listing', async () => {
  const { body } = await client.call('/v1/graphs', { body: companiesGraph() });
  const { graphId, operationId } = body as { graphId: string; operationId: string };
  const seen = new Set<string>();
  for (let status = ''; status !== 'active'; ) {
    const graph = GraphView.parse((await client.call(`/v1/graphs/${graphId}`)).body);
    const { name, kind, tier, schema, tags } = graph;
    seen.add(JSON.stringify({ name, kind, tier, schema, tags }));
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: GraphPageBody = GraphPage.parse((await client.call(`/v1/graphs?limit=100${query}`)).body);
      cursor = page.cursor;
    }
    status = graph.status;
  }
  expect(seen.size).toBe(1);
  await client.follow(operationId);
});

test('graphs and operations are listed a page at a time, and none is lost between pages', async () => {
  const made = new Set<string>();
  for (let count = 0; count < 5; count += 1) made.add((await client.createGraph(plainGraph())).graphId);
  for (const [listing, limit] of [
    ['graphs', 2],
    ['operations', 3],
  ] as const) {
    const seen: string[] = [];
    const graphIds = new Set<string>();
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { body: Record<string, unknown> } = await client.call(
        `/v1/${listing}?limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      const items = page.body[listing] as { graphId: string; operationId?: string }[];
      expect(items.length).toBeLessThanOrEqual(limit);
      for (const { graphId, operationId = graphId } of items) {
        seen.push(operationId);
        graphIds.add(graphId);
      }
      cursor = page.body['cursor'] as string | null;
    }
    expect(new Set(seen).size).toBe(seen.length);
    for (const graphId of made) expect(graphIds).toContain(graphId);
  }
});

test('operations are found by kind, status and graph', async () => {
  const { graphId, operationId } = await client.createGraph(plainGraph());
  const succeeded = async () => {
    const { body } = await client.call(`/v1/operations?kind=graph.create&status=succeeded&graphId=${graphId}`);
    return (body['operations'] as { operationId: string }[]).map((operation) => operation.operationId);
  };
  // The listing moves after the log.
  await expect.poll(succeeded, { timeout: 20_000 }).toEqual([operationId]);
  expect((await client.call(`/v1/operations?status=failed&graphId=${graphId}`)).body['operations']).toEqual([]);
});
