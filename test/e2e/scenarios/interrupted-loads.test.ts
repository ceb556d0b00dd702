import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ECSClient, StopTaskCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { partsPrefix } from '../../../domain/table/table.ts';
import { LOCAL } from '../../../local/settings.ts';
import { inconsistencies, readWorld } from '../../fixtures/consistency.ts';
import { companiesGraph } from '../../fixtures/graph-requests.ts';
import { InstanceProcess } from '../../fixtures/instance-process.ts';
import { parquetOf } from '../../fixtures/parquet.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { IN_CI } from '../../fixtures/sample.ts';
import { numbersFrom } from '../../fixtures/seeded-numbers.ts';
import { Client } from '../client.ts';
import { openSchedules } from '../schedules.ts';
import { Loading } from '../staging.ts';
import { openStores } from '../stores.ts';

/** As many lanes as there are instances for them, so that one that is killed again and again need not wait to start. */
const LANES = 4;
const KILLS_A_LANE = IN_CI ? 3 : 5;
const ROWS = 40_000;
/** The same seed gives the same moments: `LOAD_SEED=…` */
const SEED = Number(process.env['LOAD_SEED'] ?? Date.now() % 1_000_000);
const LONGEST_MS = 300_000;

let directory: string;
let runtime: RuntimeProcess;
let client: Client;
let stores: ReturnType<typeof openStores>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-interrupted-'));
  // One graph an instance: what is done to an instance is done to one load.
  const tiers = Object.entries({ standard: LANES, large: 2, xlarge: 1 }).map(([tier, instances]) => ({
    tier,
    minInstances: instances,
    maxInstances: instances,
    capacity: 1,
  }));
  runtime = await startRuntimeProcess(directory, {
    GRAPHFLEET_TIERS: JSON.stringify(tiers),
    // Instances write down when a job has settled.
    POWERTOOLS_LOG_LEVEL: 'INFO',
  });
  client = new Client({ ...runtime, dataDirectory: directory });
  stores = openStores(client.target);
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A graph whose rows all have one marker, on an instance of its own. */
class MarkedGraph extends Loading {
  async mark(marker: number): Promise<void> {
    const rows = await parquetOf(`SELECT 'c' || range AS id, ${marker}::BIGINT AS employees FROM range(${ROWS})`);
    const fileIds = [await this.upload('Company', 'rows.parquet', rows)];
    expect(await this.stage('Company', { fileIds, mode: 'create' })).toMatchObject({ status: 'succeeded' });
  }

  /** The marker of all rows; an instance that was killed a moment ago is not back yet, and the answer says so. */
  async marker(): Promise<number> {
    for (;;) {
      const { status, body } = await client.query(this.graphId, 'MATCH (c:Company) RETURN c.employees, count(*)');
      if (status !== 200) {
        expect({ status, body }).toMatchObject({ status: 503, body: { retryable: true } });
        continue;
      }
      const [[marker, count] = [], ...others] = body['rows'] as number[][];
      expect({ count, others }).toEqual({ count: ROWS, others: [] });
      return marker ?? 0;
    }
  }

  get record() {
    return stores.graphs.get(this.graphId);
  }

  async instance(): Promise<InstanceProcess> {
    return new InstanceProcess(directory, (await this.record)?.placement ?? '');
  }
}

const timeOf = async (work: Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
};

const newGraph = async (tier: string): Promise<MarkedGraph> => {
  const { graphId } = await client.createGraph(companiesGraph({ tier }));
  const graph = new MarkedGraph(client, graphId);
  await graph.mark(1);
  expect(await graph.materialize()).toMatchObject({ status: 'succeeded' });
  return graph;
};

const begin = async (graph: MarkedGraph) => {
  const asked = await graph.askToMaterialize({ force: true });
  const operationId = asked.body['operationId'] as string;
  const job = `${operationId}.materialize`;
  const ended = graph.ended(asked);
  // Of a load that was over before anybody looked nothing is seen.
  await Promise.race([(await graph.instance()).taken(job), ended]);
  return { operationId, job, ended };
};

/** What is kept of a graph is its snapshot, the one before, and what they were made from; nobody holds anything of it. */
const expectNothingLeft = async (graph: MarkedGraph, instance: InstanceProcess): Promise<void> => {
  const record = await graph.record;
  const [snapshots, parts] = await Promise.all([
    stores.objects.list(snapshotPrefix(graph.graphId)),
    stores.objects.list(partsPrefix(graph.graphId)),
  ]);
  expect(snapshots).toContain(record?.snapshot?.key);
  expect(snapshots.length).toBeLessThanOrEqual(2);
  expect(parts.length).toBeLessThanOrEqual(2);
  // The end of a claim, of a lease and of a job can come a little after the end of their operation.
  await vi.waitFor(async () => {
    expect((await graph.record)?.writer).toBeNull();
    expect((await stores.leases.get(instance.instanceId))?.busyCount).toBe(0);
    expect(instance.workFiles).toEqual([]);
  }, 60_000);
};

const operation = async (operationId: string) => (await client.call(`/v1/operations/${operationId}`)).body;

/**
 * Until an operation's instance was silent for longer than its workflow waits: its work was handed out again, or waits, because
 * the instance has been put in quarantine meanwhile.
 */
const givenUp = (operationId: string) =>
  vi.waitFor(
    async () => {
      const { status, message } = await operation(operationId);
      expect(status === 'queued' || String(message).startsWith('Tried again')).toBe(true);
    },
    { timeout: 60_000, interval: 500 },
  );

test.concurrent(
  `an instance that is killed (-9) at ${LANES * KILLS_A_LANE} random moments of loads loses nothing (seed ${SEED})`,
  async () => {
    const moments: string[] = [];
    const lane = async (number: number) => {
      const random = numbersFrom(SEED + number);
      const graph = await newGraph('standard');
      const instance = await graph.instance();
      // How long a load takes that nobody interrupts.
      let loadMs = await timeOf((await begin(graph)).ended);
      let marker = 1;
      for (let kills = 0; kills < KILLS_A_LANE; ) {
        await graph.mark(marker + 1);
        const { job, ended } = await begin(graph);
        const loaded = timeOf(ended);
        // A fifth of the load for each kill, so that they are spread over all of it.
        const part = (kills + random()) / KILLS_A_LANE;
        await sleep(part * loadMs);
        const isInHand = instance.has(job);
        instance.signal('SIGKILL');
        if (isInHand) {
          kills += 1;
          moments.push(`${Math.round(part * 100)} %`);
        } else loadMs = await loaded;
        expect([marker, marker + 1]).toContain(await graph.marker());
        const { status } = await ended;
        expect(['succeeded', 'failed']).toContain(status);
        expect(await graph.marker()).toBe(status === 'succeeded' ? marker + 1 : marker);
        await expectNothingLeft(graph, instance);
        if (status === 'failed') expect(await graph.materialize()).toMatchObject({ status: 'succeeded' });
        marker += 1;
        expect(await graph.marker()).toBe(marker);
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
    console.log(`Seed ${SEED}: killed at ${moments.join(', ')} of a load.`);
  },
  LONGEST_MS,
);

test.concurrent(
  'an instance that was paused until another had its work, and goes on, can not publish',
  async () => {
    const graph = await newGraph('large');
    await graph.mark(2);
    const paused = await graph.instance();
    const { taskArn } = paused.task;
    const { operationId, job, ended } = await begin(graph);
    await paused.building();
    paused.signal('SIGSTOP');
    await givenUp(operationId);
    expect(paused.settled(job)).toBe(false);

    // The rule of five minutes of silence is not waited for. From then on its work waits for it.
    const { leases, set } = stores;
    const run = openSchedules(client.target);
    await set(`INSTANCE#${paused.instanceId}`, 'heartbeatAt', new Date(Date.now() - 6 * 60_000).toISOString());
    await run('watch-instances');
    await vi.waitFor(async () => expect((await operation(operationId)).status).toBe('queued'), {
      timeout: 60_000,
      interval: 500,
    });
    // Its host is lost, as the scheduler sees it, which kills it after half a minute.
    const ecs = new ECSClient({
      endpoint: runtime.endpoints.ecs,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    await ecs.send(new StopTaskCommand({ cluster: LOCAL.cluster, task: taskArn }));
    await run('rescue-graphs');

    expect(await ended).toMatchObject({ status: 'succeeded', result: { snapshotVersion: 3 } });
    const second = await graph.instance();
    expect(second.instanceId).not.toBe(paused.instanceId);
    expect(await graph.marker()).toBe(2);
    const published = (await graph.record)?.snapshot;
    const objects = await stores.objects.list(snapshotPrefix(graph.graphId));

    // It is there still, with all that it had in hand, and goes on with it before it stops.
    expect(paused.task.taskArn).toBe(taskArn);
    paused.signal('SIGCONT');
    await vi.waitFor(() => {
      const end = paused.events.find((event) => event.taskArn === taskArn && event.event === 'stopped');
      expect(end).toMatchObject({ exitCode: 0 });
    }, 30_000);
    expect(paused.settled(job)).toBe(true);
    expect((await graph.record)?.snapshot).toEqual(published);
    expect(await stores.objects.list(snapshotPrefix(graph.graphId))).toEqual(objects);
    expect(await graph.marker()).toBe(2);
    await expectNothingLeft(graph, second);
    // What the workflow held of it for a try that it did not take.
    await run('watch-leases');
    expect((await leases.get(paused.instanceId))?.busyCount).toBe(0);
  },
  LONGEST_MS,
);

test.concurrent(
  'an instance that was paused and goes on before another has its work publishes once',
  async () => {
    const graph = await newGraph('xlarge');
    await graph.mark(2);
    const paused = await graph.instance();
    const { operationId, ended } = await begin(graph);
    await paused.building();
    paused.signal('SIGSTOP');
    await givenUp(operationId);
    paused.signal('SIGCONT');
    // It is heard of, and let out of quarantine, if it came there; what looks each minute is not waited for.
    const run = openSchedules(client.target);
    await vi.waitFor(
      async () => {
        await run('watch-instances');
        await run('watch-leases');
        expect(await operation(operationId)).toMatchObject({ status: 'succeeded' });
      },
      { timeout: 60_000, interval: 500 },
    );
    expect(await ended).toMatchObject({ result: { snapshotVersion: 3 } });
    expect(await graph.marker()).toBe(2);
    await expectNothingLeft(graph, paused);
  },
  LONGEST_MS,
);

test('and when all of that is over, all that is kept is accounted for', async () => {
  expect(inconsistencies(await readWorld(stores.table, stores.objects))).toEqual([]);
  // What a process that was killed had not written to the end goes with the next upload.
  expect(await readdir(join(directory, 'objects', 'partial'))).toEqual([]);
});
