import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inconsistencies, readWorld } from '../../fixtures/consistency.ts';
import { companiesGraph } from '../../fixtures/graph-requests.ts';
import { KillOrder } from '../../fixtures/kill-order.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { sampled } from '../../fixtures/sample.ts';
import { Client } from '../client.ts';
import { Loading } from '../staging.ts';
import { openStores } from '../stores.ts';

const ROWS = 50_000;

let directory: string;
let order: KillOrder;
let runtime: RuntimeProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-load-'));
  order = new KillOrder(directory);
  runtime = await startRuntimeProcess(directory, order.environment);
});

afterEach(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const rowsWith = (marker: number): string =>
  ['id,employees', ...Array.from({ length: ROWS }, (_, at) => `c${at},${marker}`)].join('\n');

/** What a graph answers; an instance that was killed a moment ago is not back yet, and the answer says so. */
const answerOf = async (client: Client, graphId: string): Promise<unknown> => {
  for (;;) {
    const { status, body } = await client.query(graphId, 'MATCH (c:Company) RETURN c.employees, count(*)');
    if (status === 200) return body['rows'];
    expect({ status, body }).toMatchObject({ status: 503, body: { retryable: true } });
  }
};

/** The ends of a claim and of a lease can come a little after the end of their operation. */
const untilIdle = (stores: ReturnType<typeof openStores>, graphId: string): Promise<void> =>
  vi.waitFor(async () => {
    expect((await stores.graphs.get(graphId))?.writer).toBeNull();
    expect((await stores.leases.get('inst-standard-1'))?.busyCount).toBe(0);
  }, 60_000);

/**
 * The calls of an instance in a load: its progress, the event that it is done, the end of its lease, the report. These are the
 * moments between them that are too short to be met by chance, as `interrupted-loads.test.ts` does the others.
 */
test.each(
  sampled([
    { call: 2, when: 'before' } as const,
    { call: 2, when: 'after' } as const,
    { call: 3, when: 'after' } as const,
    { call: 4, when: 'before' } as const,
  ]),
)(
  'an instance that is killed (-9) $when its call $call in a load loses nothing',
  async ({ call, when }) => {
    const client = new Client({ ...runtime, dataDirectory: directory });
    const stores = openStores(client.target);
    const graph = new Loading(client, (await client.createGraph(companiesGraph())).graphId);
    await graph.stageRows('Company', rowsWith(1));
    await graph.materialize();
    await graph.stageRows('Company', rowsWith(2));

    await order.give({ role: 'instance', call, when });
    const ending = graph.ended(await graph.askToMaterialize());
    expect([[[1, ROWS]], [[2, ROWS]]]).toContainEqual(await answerOf(client, graph.graphId));
    const { status } = await ending;
    expect(order.wasCarriedOut).toBe(true);
    expect(['succeeded', 'failed']).toContain(status);
    expect(await answerOf(client, graph.graphId)).toEqual([[status === 'succeeded' ? 2 : 1, ROWS]]);

    await untilIdle(stores, graph.graphId);
    expect(inconsistencies(await readWorld(stores.table, stores.objects))).toEqual([]);
    expect(await graph.materialize({ force: true })).toMatchObject({ status: 'succeeded' });
    expect(await answerOf(client, graph.graphId)).toEqual([[2, ROWS]]);
  },
  100_000,
);

/** Of a staging: the event that it is done, the end of its lease, the report. */
test.each(
  sampled([
    { call: 1, when: 'before' } as const,
    { call: 1, when: 'after' } as const,
    { call: 3, when: 'before' } as const,
  ]),
)(
  'an instance that is killed (-9) $when its call $call in a staging loses nothing, and nothing is staged twice',
  async ({ call, when }) => {
    const client = new Client({ ...runtime, dataDirectory: directory });
    const stores = openStores(client.target);
    const graph = new Loading(client, (await client.createGraph(companiesGraph())).graphId);
    await graph.stageRows('Company', 'id\nfirst\n');
    const fileId = await graph.upload('Company', 'rows.csv', 'id\nsecond\n');
    await order.give({ role: 'instance', call, when });
    const staged = await graph.stage('Company', { fileIds: [fileId], mode: 'insert' });
    expect(order.wasCarriedOut).toBe(true);
    expect(staged).toMatchObject({ status: 'succeeded', result: { version: 2, rows: 2 } });
    await untilIdle(stores, graph.graphId);
    expect(inconsistencies(await readWorld(stores.table, stores.objects))).toEqual([]);
  },
  100_000,
);
