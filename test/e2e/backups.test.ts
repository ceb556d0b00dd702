import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { operationIdFor } from '../../domain/identifier.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';
import { Loading, type Operation } from './staging.ts';
import { openStores } from './stores.ts';

const client = new Client();
const stores = openStores(client.target);
const { otherTenant } = client.target.tokens;

type Backup = { backupId: string; checksum: string; bytes: number; links: Record<string, string> };

const newGraph = async (request: Record<string, unknown> = companiesGraph()) =>
  new Loading(client, (await client.createGraph(request)).graphId);

const askToBackUp = (graph: Loading, options: Parameters<Client['call']>[1] = {}) =>
  client.call(graph.path('/backups'), { body: {}, ...options });

const backUp = async (graph: Loading): Promise<Backup> => {
  const { status, result } = await graph.ended(await askToBackUp(graph));
  expect(status).toBe('succeeded');
  return (await client.call(graph.path(`/backups/${result?.['backupId'] as string}`))).body as Backup;
};

const askToRestore = (graph: Loading, backupId: string, options: Parameters<Client['call']>[1] = {}) =>
  client.call(graph.path(`/backups/${backupId}/restore`), { body: {}, ...options });

const restore = async (graph: Loading, backupId: string): Promise<Operation> =>
  graph.ended(await askToRestore(graph, backupId));

const list = async (graph: Loading, query = '') => {
  const { status, body } = await client.call(graph.path(`/backups${query}`));
  expect(status).toBe(200);
  return body as { backups: (Backup & { kind: string })[]; cursor: string | null; stats: Record<string, unknown> };
};

const companies = (graph: Loading) => graph.rows('MATCH (c:Company) RETURN c.id ORDER BY c.id');
const stageCompanies = (graph: Loading, ...ids: string[]) => graph.stageRows('Company', `id\n${ids.join('\n')}\n`);

let shared: Loading;
let kept: Backup;
beforeAll(async () => {
  shared = await newGraph();
  kept = await backUp(shared);
});

describe('a backup', () => {
  test('is the snapshot as it was published, and can be downloaded', async () => {
    const snapshot = (await stores.graphs.get(shared.graphId))?.snapshot;
    expect(kept).toMatchObject({
      graphId: shared.graphId,
      kind: 'manual',
      checksum: snapshot?.checksum,
      bytes: snapshot?.bytes,
      snapshotVersion: 1,
    });
    const { status, body } = await client.call(kept.links['download'] ?? '');
    expect({ status, body }).toMatchObject({ status: 200, body: { bytes: kept.bytes, checksum: kept.checksum } });
    const file = await (await fetch(body['url'] as string)).bytes();
    expect(createHash('sha256').update(file).digest('hex')).toBe(kept.checksum);
  });

  test('comes with an operation of its own, of which a repeated call gets the answer', async () => {
    const headers = { 'idempotency-key': `backup-${shared.graphId}` };
    const first = await askToBackUp(shared, { headers });
    expect(first).toMatchObject({ status: 202, body: { kind: 'backup.create', status: 'accepted' } });
    const { events } = await shared.ended(first);
    expect(events.map(({ type, step }) => step ?? type)).toEqual(['accepted', 'beginBackup', 'backUp', 'succeeded']);
    const again = await askToBackUp(shared, { headers });
    expect(again.body['operationId']).toBe(first.body['operationId']);
    const other = await newGraph(plainGraph());
    expect(await askToBackUp(other, { headers })).toMatchObject({ status: 422 });
  });

  test('is listed, the newest first, with how many there are of the graph and how long they are', async () => {
    const graph = await newGraph(plainGraph());
    expect(await list(graph)).toEqual({ backups: [], cursor: null, stats: { count: 0, bytes: 0, newest: null } });
    const made = [await backUp(graph), await backUp(graph), await backUp(graph)].reverse();
    const { backups, stats } = await list(graph);
    expect(backups).toEqual(made);
    expect(stats).toMatchObject({ count: 3, bytes: made.reduce((sum, { bytes }) => sum + bytes, 0) });
    const page = await list(graph, '?limit=2');
    expect(page).toMatchObject({ backups: made.slice(0, 2), stats: { count: 3 } });
    expect((await list(graph, `?limit=2&cursor=${page.cursor}`)).backups).toEqual(made.slice(2));
  });

  test('is deleted with its object', async () => {
    const graph = await newGraph(plainGraph());
    const { links } = await backUp(graph);
    expect(await stores.objects.list(`backups/${graph.graphId}/`)).toHaveLength(1);
    expect((await client.fetch(links['self'] ?? '', { method: 'DELETE' })).status).toBe(204);
    expect(await stores.objects.list(`backups/${graph.graphId}/`)).toEqual([]);
    expect((await client.call(links['self'] ?? '')).status).toBe(404);
    expect((await client.call(links['self'] ?? '', { method: 'DELETE' })).status).toBe(404);
  });

  test('of another tenant’s graph, or of another graph of one’s own, is not there', async () => {
    const other = await newGraph(plainGraph());
    for (const path of ['', '/download', '/restore']) {
      const body = path === '/restore' ? { body: {} } : {};
      const own = `${shared.path('/backups')}/${kept.backupId}${path}`;
      expect(await client.call(own, { ...body, token: otherTenant }), own).toMatchObject({ status: 404 });
      const wrong = `${other.path('/backups')}/${kept.backupId}${path}`;
      expect(await client.call(wrong, body), wrong).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect(await askToBackUp(shared, { token: otherTenant })).toMatchObject({ status: 404 });
    expect(await client.call(shared.path('/backups'), { token: otherTenant })).toMatchObject({ status: 404 });
    expect(
      (await client.fetch(`${shared.path('/backups')}/${kept.backupId}`, { method: 'DELETE', token: otherTenant }))
        .status,
    ).toBe(404);
  });

  test('goes with the graph when nothing of it is to be kept, and stays otherwise', async () => {
    const [gone, left] = [await newGraph(plainGraph()), await newGraph(plainGraph())];
    for (const graph of [gone, left]) await backUp(graph);
    for (const [graph, query] of [
      [gone, '?backup=false'],
      [left, ''],
    ] as const)
      expect(await graph.ended(await client.call(graph.path(query), { method: 'DELETE' }))).toMatchObject({
        status: 'succeeded',
      });
    expect(await stores.objects.list(`backups/${gone.graphId}/`)).toEqual([]);
    expect(await stores.objects.list(`backups/${left.graphId}/`)).toHaveLength(2);
  });
});

describe('a restore', () => {
  test('makes the graph what the backup was, keeps what it replaces, and tells that the tables are newer', async () => {
    const graph = await newGraph();
    await stageCompanies(graph, 'first');
    await graph.materialize();
    const before = await companies(graph);
    const { backupId } = await backUp(graph);
    await stageCompanies(graph, 'second', 'third');
    await graph.materialize();
    const after = await companies(graph);
    expect(after).not.toEqual(before);
    expect(await graph.freshness()).toMatchObject({ stale: false });

    const done = await restore(graph, backupId);
    expect(done).toMatchObject({
      kind: 'backup.restore',
      status: 'succeeded',
      result: { backupId, snapshotVersion: 4, stale: true },
    });
    expect(done.events.map(({ type, step }) => step ?? type)).toEqual([
      'accepted',
      'claimWriter',
      'backUp',
      'restoreBackup',
      'succeeded',
    ]);
    expect(await companies(graph)).toEqual(before);
    expect(await graph.freshness()).toMatchObject({ stale: true, snapshotVersion: 4 });
    // The claim ends a little after the operation.
    await expect.poll(async () => (await stores.graphs.get(graph.graphId))?.writer, { timeout: 20_000 }).toBeNull();

    const { backups } = await list(graph);
    expect(backups.map(({ kind }) => kind)).toEqual(['system', 'manual']);
    expect(backups[0]?.backupId).toBe(done.result?.['systemBackupId']);
    expect(await restore(graph, backups[0]?.backupId ?? '')).toMatchObject({ result: { stale: false } });
    expect(await companies(graph)).toEqual(after);
  });

  test('of a backup that is damaged fails, and leaves the graph and its backups as they were', async () => {
    const graph = await newGraph();
    const { backupId } = await backUp(graph);
    const [key = ''] = await stores.objects.list(`backups/${graph.graphId}/`);
    await stores.spoil(key);
    const before = await stores.graphs.get(graph.graphId);
    const done = await restore(graph, backupId);
    expect(done).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(done.error?.message).toContain('is damaged');
    expect(await stores.graphs.get(graph.graphId)).toEqual(before);
    expect(await companies(graph)).toEqual([['acme']]);
    expect((await list(graph)).backups.map((backup) => backup.backupId)).toEqual([backupId]);
    expect(await stores.objects.list(`backups/${graph.graphId}/`)).toEqual([key]);
    expect(await stores.objects.list(`graphs/${graph.graphId}/`)).toEqual([before?.snapshot?.key]);
  });

  test('is refused while another operation writes the graph, which it names', async () => {
    const graph = await newGraph(plainGraph());
    const { backupId } = await backUp(graph);
    const writing = operationIdFor('acme', undefined);
    await stores.set(`GRAPH#${graph.graphId}`, 'writer', `${writing}.1`);
    expect(await askToRestore(graph, backupId)).toMatchObject({
      status: 409,
      body: { code: 'conflict', operationId: writing },
    });
    await stores.set(`GRAPH#${graph.graphId}`, 'writer', null);
  });

  test.each([
    ['suspended', 402],
    ['deleting', 409],
  ])('is refused of a graph that is %s', async (status, answer) => {
    const graph = await newGraph(plainGraph());
    const { backupId } = await backUp(graph);
    await stores.set(`GRAPH#${graph.graphId}`, 'status', status);
    expect(await askToRestore(graph, backupId)).toMatchObject({ status: answer });
    expect(await askToBackUp(graph)).toMatchObject({ status: answer });
    await stores.set(`GRAPH#${graph.graphId}`, 'status', 'active');
  });

  test('does not keep anybody from asking the graph', async () => {
    const graph = await newGraph();
    const { backupId } = await backUp(graph);
    const { body } = await askToRestore(graph, backupId);
    let over = false;
    const asking = (async () => {
      while (!over) expect(await companies(graph)).toEqual([['acme']]);
    })();
    await client.follow(body['operationId'] as string);
    over = true;
    await asking;
  });
});
