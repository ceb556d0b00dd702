import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BackupKind, backupOf, RETENTION } from '../../../domain/backup/backup.ts';
import { DynamoBackupStore } from '../../../domain/backup/dynamo-backup-store.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { leaseIdFor } from '../../../domain/lease/lease.ts';
import { companiesGraph, plainGraph } from '../../fixtures/graph-requests.ts';
import { OpenLineageRunEvent } from '../../fixtures/open-lineage.ts';
import { ONE_STANDARD_INSTANCE, type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client } from '../client.ts';
import { openSchedules } from '../schedules.ts';
import { Loading } from '../staging.ts';
import { openStores } from '../stores.ts';

const INSTANCE = 'inst-standard-1';
const DAY_MS = 86_400_000;

let directory: string;
let catalogue: Server;
let runtime: RuntimeProcess;
let client: Client;
let stores: ReturnType<typeof openStores>;
let run: ReturnType<typeof openSchedules>;
const told: ReturnType<(typeof OpenLineageRunEvent)['parse']>[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-schedules-'));
  catalogue = createServer((request, response) => {
    void text(request).then((event) => {
      told.push(OpenLineageRunEvent.parse(JSON.parse(event)));
      response.writeHead(201).end();
    });
  }).listen(0, '127.0.0.1');
  await once(catalogue, 'listening');
  const lineage = { LINEAGE_URL: `http://127.0.0.1:${(catalogue.address() as AddressInfo).port}/api/v1/lineage` };
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: ONE_STANDARD_INSTANCE, ...lineage });
  client = new Client({ ...runtime, dataDirectory: directory });
  stores = openStores(client.target);
  run = openSchedules(client.target, lineage);
});

afterAll(async () => {
  await runtime.stop();
  catalogue.close();
  await rm(directory, { recursive: true, force: true });
});

const newGraph = async (request: Record<string, unknown> = companiesGraph()) =>
  new Loading(client, (await client.createGraph(request)).graphId);
const asOperator = async (method: string, path: string, body?: unknown) => {
  const response = await client.fetch(path, {
    method,
    token: runtime.tokens.operator,
    ...(body !== undefined && { body }),
  });
  expect(response.status).toBe(200);
};
/** What the catalogue heard of a graph's materializations, in order. */
const heardOf = (graph: Loading) => told.filter(({ job }) => job.name === `${graph.graphId}.materialize`);

test('a stale graph is loaded by itself, once its instance takes work, has nothing else to do, and nothing is paused', async () => {
  const graph = await newGraph();
  await graph.stageRows('Company', 'id\nfirst\nsecond\n');
  const loads = async () => {
    const { body } = await client.call('/v1/operations?kind=graph.materialize&limit=100');
    return (body['operations'] as { operationId: string; graphId: string }[]).filter(
      ({ graphId }) => graphId === graph.graphId,
    );
  };
  /** All tables are looked at, wherever the last run stopped. */
  const look = async () => {
    await run('materialize-stale');
    await run('materialize-stale');
  };
  const expectNothingBegun = async () => {
    await look();
    expect(await loads()).toEqual([]);
    expect(await graph.freshness()).toMatchObject({ stale: true });
  };

  await asOperator('POST', `/v1/fleet/instances/${INSTANCE}/drain`, { reason: 'A look at the disk' });
  const flags = { paymentGate: true, automaticMaterialization: true, scheduledBackups: true };
  await asOperator('PUT', '/v1/fleet/flags', flags);
  await expectNothingBegun();

  await asOperator('POST', `/v1/fleet/instances/${INSTANCE}/undrain`, {});
  const leaseId = leaseIdFor(operationIdFor('acme', undefined));
  await stores.leases.acquire(INSTANCE, { leaseId, kind: 'backup', acquiredAt: new Date().toISOString() });
  await expectNothingBegun();

  const until = new Date(Date.now() + 600_000).toISOString();
  await asOperator('PUT', '/v1/fleet/pause', { tier: 'standard', until, reason: 'A move of the store' });
  await stores.releaseLease(INSTANCE, leaseId);
  await expectNothingBegun();

  await asOperator('DELETE', '/v1/fleet/pause?tier=standard');
  // Functions know within seconds that it is over.
  await vi.waitFor(async () => {
    await look();
    expect(await loads()).toHaveLength(1);
  }, 20_000);
  const [load] = await loads();
  expect((await client.follow(load?.operationId ?? '')).at(-1)).toMatchObject({ status: 'succeeded' });
  expect(await graph.freshness()).toMatchObject({ stale: false });
  expect(await graph.rows('MATCH (c:Company) RETURN c.id ORDER BY c.id')).toEqual([['first'], ['second']]);
  await look();
  expect(await loads()).toHaveLength(1);
});

test('a catalogue hears of each materialization that it began, and how it ended', async () => {
  const graph = await newGraph();
  await graph.stageRows('Company', 'id\na\n');
  expect(await graph.materialize()).toMatchObject({ status: 'succeeded' });
  // Nothing was done, and nothing is told.
  expect(await graph.materialize()).toMatchObject({ result: { skipped: true } });
  await graph.stageRows('OWNS', 'from,to\na,nobody\n');
  expect(await graph.materialize()).toMatchObject({ status: 'failed' });
  await vi.waitFor(async () => {
    await run('deliver-lineage');
    expect(heardOf(graph)).toHaveLength(4);
  }, 20_000);
  const runs = Map.groupBy(heardOf(graph), (event) => event.run.runId);
  const types = [...runs.values()].map((events) => events.map(({ eventType }) => eventType).join());
  expect(types.sort()).toEqual(['START,COMPLETE', 'START,FAIL']);
});

describe('backups', () => {
  /** Backups as the schedule and a tenant have made them before, the newest first, with nothing in them. */
  const keep = async ({ graphId }: Loading, kind: BackupKind, ages: readonly number[]) => {
    const backups = new DynamoBackupStore(stores.table);
    const file = join(directory, 'backup');
    await writeFile(file, 'backup');
    return Promise.all(
      ages.map(async (days) => {
        const createdAt = new Date(Date.now() - days * DAY_MS).toISOString();
        const operationId = operationIdFor('acme', undefined);
        const key = `backups/${graphId}/${operationId}/1.lbug`;
        await stores.objects.upload(key, file);
        const snapshot = { version: 7, key: '', checksum: 'c', bytes: 6 };
        return backups.put(backupOf(graphId, snapshot, { operationId, createdAt }, { kind, key }));
      }),
    );
  };
  const days = (count: number, from = 1) => Array.from({ length: count }, (_, at) => from + at);
  const list = async (graph: Loading, kind: BackupKind) => {
    const { body } = await client.call(graph.path('/backups?limit=100'));
    return (body['backups'] as { backupId: string; kind: string }[]).filter((backup) => backup.kind === kind);
  };
  /** All graphs are looked at, wherever the last run stopped. */
  const look = async () => {
    await run('keep-backups');
    await run('keep-backups');
  };

  test('are made once a day of what changed, and kept as many and as long as is said', async () => {
    const graph = await newGraph(plainGraph());
    // A graph has its first on the day after it was created.
    await look();
    expect(await list(graph, 'scheduled')).toEqual([]);
    await stores.set(`GRAPH#${graph.graphId}`, 'createdAt', new Date(Date.now() - DAY_MS).toISOString());
    const { most, days: kept } = RETENTION.scheduled;
    const before = await keep(graph, 'scheduled', days(most - 1));
    const [past] = await keep(graph, 'manual', [RETENTION.manual.days + 1]);
    const [young] = await keep(graph, 'manual', [kept + 1]);

    await look();
    await vi.waitFor(async () => expect(await list(graph, 'scheduled')).toHaveLength(most), 20_000);
    const objects = () => stores.objects.list(`backups/${graph.graphId}/`);
    expect(await objects()).not.toContain(past?.key);
    expect(await objects()).toContain(young?.key);
    await look();
    expect(await list(graph, 'scheduled')).toHaveLength(most);

    // One more of them than are kept.
    const [older] = await keep(graph, 'scheduled', [0.5]);
    await look();
    expect(await list(graph, 'scheduled')).toHaveLength(most);
    expect(await objects()).toContain(older?.key);
    expect(await objects()).not.toContain(before.at(-1)?.key);
  });

  test("of a tenant's own are so many, and one more is refused until one is deleted", async () => {
    const graph = await newGraph(plainGraph());
    const { most } = RETENTION.manual;
    const [one] = await keep(graph, 'manual', days(most, 0));
    const ask = () => client.call(graph.path('/backups'), { body: {} });
    expect(await ask()).toMatchObject({ status: 429, body: { code: 'limit_reached' } });
    expect(await list(graph, 'manual')).toHaveLength(most);
    const deleted = await client.fetch(graph.path(`/backups/${one?.backupId}`), { method: 'DELETE' });
    expect(deleted.status).toBe(204);
    expect(await graph.ended(await ask())).toMatchObject({ status: 'succeeded' });
    expect(await ask()).toMatchObject({ status: 429 });
  });
});
