import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client } from '../client.ts';

const TIERS = ['standard', 'large', 'xlarge'] as const;
const INSTANCES = 2;
const GRAPHS_A_TIER = 4;
const LOADS = 40;
/** As many at once as there are instances: most are at work when their turn comes. */
const AT_ONCE = 6;
/** Rows of the loads, so that they take from tens of milliseconds to seconds. */
const ROWS = [5_000, 100_000, 50, 60_000, 20_000];
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

let directory: string;
let runtime: RuntimeProcess;
let client: Client;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-refresh-'));
  const tiers = TIERS.map((tier) => ({ tier, minInstances: INSTANCES, maxInstances: INSTANCES, capacity: 10 }));
  runtime = await startRuntimeProcess(directory, {
    GRAPHFLEET_TIERS: JSON.stringify(tiers),
    // Instances write down when they are at work.
    POWERTOOLS_LOG_LEVEL: 'INFO',
  });
  client = new Client(runtime);
});

afterEach(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const operator = () => ({ token: runtime.tokens.operator });

const makeGraph = async (tier: string, number: number): Promise<string> => {
  const nodes = [{ name: 'Row', properties: [{ name: 'id', type: 'STRING', primaryKey: true }] }];
  const schema = { name: 'rows', version: '1.0.0', nodes, relationships: [] };
  const { graphId, events } = await client.createGraph({ name: `${tier} ${number}`, tier, schema });
  expect(events.at(-1)).toMatchObject({ type: 'succeeded' });
  return graphId;
};

/** Follows an operation that was accepted. @returns its last event */
const ended = async (path: string, body: object) => {
  const { status, body: accepted } = await client.call(path, { body });
  expect({ status, accepted }).toMatchObject({ status: 202 });
  return (await client.follow(String(accepted['operationId']))).at(-1);
};

/** Stages rows and loads them. @returns the last event of each of the two operations */
const load = async (graphId: string, rows: number) => {
  const table = `/v1/graphs/${graphId}/tables/Row`;
  const content = `id\n${Array.from({ length: rows }, (_, row) => `row-${row}`).join('\n')}\n`;
  const file = { fileName: 'rows.csv', format: 'csv', bytes: content.length };
  const { body } = await client.call(`${table}/files`, { body: file });
  const { fileId, upload } = body as { fileId: string; upload: { url: string; headers: Record<string, string> } };
  const put = await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: content });
  expect(put.status).toBe(200);
  const staged = await ended(`${table}/stage`, { fileIds: [fileId], mode: 'create' });
  const materialized = await ended(`/v1/graphs/${graphId}/materializations`, { force: true });
  const { body: answer } = await client.query(graphId, 'MATCH (r:Row) RETURN count(r)');
  return { staged, materialized, rows: answer['rows'] };
};

type Refreshed = {
  status: string;
  result: { outcome: string; instances: { instanceId: string; busyAtStart: number }[] } | null;
};

/** Publishes a new version of the instance, wants it in every tier, and refreshes the fleet. @returns the refresh's end */
const refreshTo = async (label: string) => {
  const { stdout } = await run('node', ['local/publish-image.ts', '--label', label], {
    cwd: ROOT,
    env: { ...process.env, GRAPHFLEET_DATA: directory },
  });
  const image = stdout.trim();
  for (const tier of TIERS) {
    const wanted = { image, minInstances: INSTANCES, maxInstances: INSTANCES, capacity: 10 };
    const { status } = await client.call(`/v1/fleet/tiers/${tier}`, { method: 'PUT', body: wanted, ...operator() });
    expect(status).toBe(200);
  }
  const asked = { tiers: TIERS, maxWaitMinutes: 5, maxConcurrent: 1, canary: 1 };
  const { status, body } = await client.call('/v1/fleet/refreshes', { body: asked, ...operator() });
  expect({ status, body }).toMatchObject({ status: 202 });
  const operationId = String(body['operationId']);
  for (;;) {
    const page = await client.call(`/v1/operations/${operationId}`, operator());
    const operation = page.body as Refreshed;
    if (['succeeded', 'partial', 'failed', 'compensation_failed'].includes(operation.status))
      return { image, operation };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

type Line = Record<string, string>;
const linesOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

/** When each instance was at work, and when its process was told to stop: from what they wrote themselves. */
const whatHappened = () => {
  const logs = join(directory, 'ecs', 'logs');
  const work = readdirSync(logs).flatMap((file) => {
    const began = new Map<string, number>();
    return linesOf(join(logs, file)).flatMap(({ message, timestamp = '', leaseId = '' }) => {
      if (message === 'A job begins') began.set(leaseId, Date.parse(timestamp));
      if (message !== 'A job has settled') return [];
      return [
        { instanceId: file.replace('.log', ''), from: began.get(leaseId) ?? 0, to: Date.parse(timestamp), leaseId },
      ];
    });
  });
  const stops = linesOf(join(directory, 'ecs', 'tasks.jsonl'))
    .filter(({ event }) => event === 'stopping')
    .map(({ service = '', at = '' }) => ({ instanceId: service, at: Date.parse(at) }));
  return { work, stops };
};

/** From the last release of an instance that was waited for to its stop, in milliseconds. */
const waitsOf = (
  { work, stops }: ReturnType<typeof whatHappened>,
  reports: readonly (readonly { instanceId: string; busyAtStart: number }[])[],
): number[] =>
  reports.flatMap((report, refresh) =>
    report.flatMap(({ instanceId, busyAtStart }) => {
      const stop = stops.filter((one) => one.instanceId === instanceId)[refresh]?.at ?? 0;
      const ends = work.filter((job) => job.instanceId === instanceId && job.to <= stop).map(({ to }) => to);
      return busyAtStart > 0 ? [stop - Math.max(...ends)] : [];
    }),
  );

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((one, other) => one - other)[Math.ceil(values.length * share) - 1] ?? 0;

test('the fleet is refreshed twice while graphs are loaded all the time: nothing fails, nothing is cut into', async () => {
  const graphs: string[] = [];
  for (const tier of TIERS)
    for (let number = 0; number < GRAPHS_A_TIER; number += 1) graphs.push(await makeGraph(tier, number));

  let refreshed = false;
  let begun = 0;
  const ends: Awaited<ReturnType<typeof load>>[] = [];
  const wrong: object[] = [];
  const keepLoading = async (lane: number) => {
    // Each lane has graphs of its own: one operation at a time writes a graph.
    const own = graphs.filter((_, at) => at % AT_ONCE === lane);
    for (let at = 0; !refreshed || begun < LOADS; at += 1) {
      const graphId = own[at % own.length] ?? '';
      const rows = ROWS[begun % ROWS.length] ?? 0;
      begun += 1;
      const end = await load(graphId, rows);
      ends.push(end);
      if (String(end.rows) !== String(rows)) wrong.push({ graphId, rows, end });
    }
  };
  const loading = Promise.all(Array.from({ length: AT_ONCE }, (_, lane) => keepLoading(lane)));
  const first = await refreshTo('second-version');
  const second = await refreshTo('third-version');
  refreshed = true;
  await loading;

  for (const { image, operation } of [first, second]) {
    expect(operation).toMatchObject({ status: 'succeeded', result: { outcome: 'refreshed' } });
    expect(image).toMatch(/^sha256:/);
  }
  expect(ends.length).toBeGreaterThanOrEqual(LOADS);
  expect(
    ends.filter(({ staged, materialized }) => staged?.type !== 'succeeded' || materialized?.type !== 'succeeded'),
  ).toEqual([]);
  expect(wrong).toEqual([]);
  const listed = await client.fetch('/v1/fleet/instances', operator());
  const instances = (await listed.json()) as { tier: string; image: string; state: string; generation: number }[];
  const ofTiers = instances.filter(({ tier }) => (TIERS as readonly string[]).includes(tier));
  expect(ofTiers).toHaveLength(TIERS.length * INSTANCES);
  for (const instance of ofTiers)
    expect(instance).toMatchObject({ image: second.image, state: 'ACTIVE', generation: 3 });

  const happened = whatHappened();
  expect(happened.work.length).toBeGreaterThanOrEqual(2 * LOADS);
  expect(happened.stops).toHaveLength(2 * TIERS.length * INSTANCES);
  const cutInto = happened.stops.flatMap(({ instanceId, at }) =>
    happened.work.filter((job) => job.instanceId === instanceId && job.from < at && at < job.to),
  );
  expect(cutInto).toEqual([]);
  const waits = waitsOf(
    happened,
    [first, second].map(({ operation }) => operation.result?.instances ?? []),
  );
  console.log(
    `${ends.length} loads; ${happened.stops.length} cycles, ${waits.length} of them waited for work: ` +
      `from the last release to the stop p50 ${quantile(waits, 0.5)} ms, p99 ${quantile(waits, 0.99)} ms.`,
  );
}, 600_000);
