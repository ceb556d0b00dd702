import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteServiceCommand, ECSClient } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { operationIdFor } from '../../../domain/identifier.ts';
import { leaseIdFor } from '../../../domain/lease/lease.ts';
import { LOCAL } from '../../../local/settings.ts';
import { companiesGraph } from '../../fixtures/graph-requests.ts';
import { InstanceProcess } from '../../fixtures/instance-process.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client } from '../client.ts';
import { openSchedules } from '../schedules.ts';
import { openStores } from '../stores.ts';

const STANDARD = { tier: 'standard', minInstances: 1, maxInstances: 3, capacity: 4 };
const LARGE = { tier: 'large', minInstances: 2, maxInstances: 2, capacity: 4 };
const XLARGE = { tier: 'xlarge', minInstances: 0, maxInstances: 2, capacity: 1 };

let directory: string;
let runtime: RuntimeProcess;
let client: Client;
let stores: ReturnType<typeof openStores>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-retire-'));
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: JSON.stringify([STANDARD, LARGE, XLARGE]) });
  client = new Client({ ...runtime, dataDirectory: directory });
  stores = openStores(client.target);
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const asOperator = (path: string, options: { method?: string; body?: unknown } = {}) =>
  client.call(path, { ...options, token: runtime.tokens.operator });
const retire = (instanceId: string, query = '') =>
  asOperator(`/v1/fleet/instances/${instanceId}${query}`, { method: 'DELETE' });

type Ended = { status: string; message: string; result: unknown; error: { code: string } | null };
/** Looks until an operation of the fleet is over. */
const over = (operationId: string): Promise<Ended> =>
  vi.waitFor(
    async () => {
      const { body } = await asOperator(`/v1/operations/${operationId}`);
      expect(['accepted', 'running', 'queued', 'cancelling', 'compensating']).not.toContain(body['status']);
      return body as Ended;
    },
    { timeout: 80_000, interval: 100 },
  );
const retired = async (instanceId: string): Promise<Ended> => {
  const { status, body } = await retire(instanceId);
  expect({ status, body }).toMatchObject({ status: 202, body: { kind: 'instance.retire', graphId: null } });
  return over(String(body['operationId']));
};
const launch = async (tier: string): Promise<void> => {
  const { body } = await asOperator('/v1/fleet/instances', { body: { tier } });
  expect(await over(String(body['operationId']))).toMatchObject({ status: 'succeeded' });
};
const instance = (instanceId: string) => asOperator(`/v1/fleet/instances/${instanceId}`);
const placementOf = async (graphId: string) => (await stores.graphs.get(graphId))?.placement;

/** Reads a graph one query after another until it is told to stop, and tells what was not its rows. */
const readAllTheTime = (graphId: string) => {
  let stopped = false;
  const seen = { answered: 0, unavailable: 0, wrong: [] as unknown[] };
  const reading = (async () => {
    while (!stopped) {
      const answer = await client.query(graphId, 'MATCH (c:Company) RETURN c.id').catch((error: unknown) => error);
      const { status, headers, body } = answer as Awaited<ReturnType<typeof client.query>>;
      if (status === 200 && JSON.stringify(body['rows']) === '[["acme"]]') seen.answered += 1;
      else if (status === 503 && Number(headers.get('retry-after')) > 0) seen.unavailable += 1;
      else seen.wrong.push(body ?? answer);
    }
  })();
  return async () => {
    stopped = true;
    await reading;
    return seen;
  };
};

/** What an operation that is at work holds of an instance, and how it lets go. */
const hold = async (instanceId: string) => {
  const leaseId = leaseIdFor(operationIdFor('acme', undefined));
  await stores.leases.acquire(instanceId, { leaseId, kind: 'backup', acquiredAt: new Date().toISOString() });
  return () => stores.releaseLease(instanceId, leaseId);
};

describe('an instance that is retired', () => {
  test('has its graphs on others, which answer all the time, and is gone with its service', async () => {
    await launch('standard');
    const graphs = await Promise.all([1, 2, 3].map(() => client.createGraph(companiesGraph())));
    const graphIds = graphs.map(({ graphId }) => graphId);
    const [graphId = ''] = graphIds;
    const host = (await placementOf(graphId)) ?? '';
    const stop = readAllTheTime(graphId);
    expect(await retired(host)).toMatchObject({ status: 'succeeded', result: { instanceId: host, tier: 'standard' } });
    const { answered, wrong } = await stop();
    expect(wrong).toEqual([]);
    expect(answered).toBeGreaterThan(0);

    expect((await instance(host)).status).toBe(404);
    const other = host === 'inst-standard-1' ? 'inst-standard-2' : 'inst-standard-1';
    for (const each of graphIds) {
      expect(await placementOf(each)).toBe(other);
      expect((await client.query(each, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
    }
    expect(Object.keys(await stores.instances.readSlots(other)).sort()).toEqual([...graphIds].sort());
    expect((await retire(host)).status).toBe(404);
    expect(await retire(other)).toMatchObject({ status: 409, body: { code: 'conflict' } });

    // Its name is free again.
    await launch('standard');
    expect((await instance(host)).body).toMatchObject({ state: 'ACTIVE', used: 0 });
  });

  test('is waited for while something is at work there, which is told; a cancel gives it back', async () => {
    await launch('xlarge');
    const letGo = await hold('inst-xlarge-1');
    const { body } = await retire('inst-xlarge-1', '?reason=Too%20many');
    const operationId = String(body['operationId']);
    await vi.waitFor(async () => {
      const { body: found } = await asOperator(`/v1/operations/${operationId}`);
      expect(found['message']).toMatch(/^Waiting for inst-xlarge-1, at work: op_\w+ \(backup\)$/);
    }, 20_000);
    expect((await instance('inst-xlarge-1')).body).toMatchObject({
      state: 'DRAINING',
      drain: { operationId, reason: 'Too many' },
    });
    expect(await retire('inst-xlarge-1')).toMatchObject({ status: 409, body: { code: 'conflict', operationId } });
    await asOperator(`/v1/operations/${operationId}`, { method: 'DELETE' });
    expect(await over(operationId)).toMatchObject({ status: 'cancelled' });
    expect((await instance('inst-xlarge-1')).body).toMatchObject({ state: 'ACTIVE', drain: null, busyCount: 1 });

    const again = String((await retire('inst-xlarge-1')).body['operationId']);
    await vi.waitFor(async () => {
      expect((await instance('inst-xlarge-1')).body).toMatchObject({ state: 'DRAINING' });
    }, 20_000);
    await letGo();
    expect(await over(again)).toMatchObject({ status: 'succeeded' });
    expect((await instance('inst-xlarge-1')).status).toBe(404);
  });

  test('is given back when its work does not end in time', async () => {
    await launch('xlarge');
    const letGo = await hold('inst-xlarge-1');
    const { body } = await retire('inst-xlarge-1', '?maxWaitMinutes=0');
    expect(await over(String(body['operationId']))).toMatchObject({ status: 'failed', error: { code: 'conflict' } });
    expect((await instance('inst-xlarge-1')).body).toMatchObject({ state: 'ACTIVE', drain: null });
    await letGo();
  });

  test('is given back when there is no room for its graphs, which lose nothing', async () => {
    const { graphId } = await client.createGraph(companiesGraph({ tier: 'xlarge' }));
    const host = (await placementOf(graphId)) ?? '';
    expect(await retired(host)).toMatchObject({ status: 'failed', error: { code: 'at_capacity', retryable: true } });
    expect((await instance(host)).body).toMatchObject({ state: 'ACTIVE', used: 1, drain: null });
    expect(await placementOf(graphId)).toBe(host);
    expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
  });

  test.each([
    ['that is not there', 'inst-none-1', '', 404, 'not_found'],
    ['that its tier can not do without', 'inst-large-1', '', 409, 'conflict'],
    ['for an empty reason', 'inst-xlarge-1', '?reason=', 400, 'invalid_request'],
    ['with a wait of days', 'inst-xlarge-1', '?maxWaitMinutes=100000', 400, 'invalid_request'],
    ['with an option that there is not', 'inst-xlarge-1', '?force=true', 400, 'invalid_request'],
  ])('%s is refused', async (_what, instanceId, query, status, code) => {
    expect(await retire(instanceId, query)).toMatchObject({ status, body: { code } });
  });

  test('is no affair of tenants', async () => {
    expect(await client.call('/v1/fleet/instances/inst-xlarge-1', { method: 'DELETE' })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  test('is not one that a person drains', async () => {
    await asOperator('/v1/fleet/instances/inst-xlarge-1/drain', { body: { reason: 'A look' } });
    expect(await retire('inst-xlarge-1')).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await asOperator('/v1/fleet/instances/inst-xlarge-1/undrain', { method: 'POST', body: {} });
  });
});

describe('while an instance is restarted', () => {
  const restart = async (instanceId: string): Promise<void> => {
    const body = { instances: [instanceId], forceRestart: true };
    const { body: accepted } = await asOperator('/v1/fleet/refreshes', { body });
    expect(await over(String(accepted['operationId']))).toMatchObject({ status: 'succeeded' });
  };

  test('another of its tier answers for it: queries are answered, or told when to come back', async () => {
    const { graphId } = await client.createGraph(companiesGraph({ tier: 'large' }));
    const stop = readAllTheTime(graphId);
    await restart((await placementOf(graphId)) ?? '');
    const { answered, wrong } = await stop();
    expect(wrong).toEqual([]);
    expect(answered).toBeGreaterThan(0);
  });

  test('and it is the only one, queries are told when to come back', async () => {
    const { graphId } = await client.createGraph(companiesGraph({ tier: 'xlarge' }));
    const stop = readAllTheTime(graphId);
    await restart((await placementOf(graphId)) ?? '');
    expect((await stop()).wrong).toEqual([]);
    expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
  });
});

test('an instance that is gone for good takes no graph along: others answer at once, and give it its place', async () => {
  const { graphId } = await client.createGraph(companiesGraph({ tier: 'large' }));
  const host = (await placementOf(graphId)) ?? '';
  const stop = readAllTheTime(graphId);
  const ecs = new ECSClient({
    endpoint: runtime.endpoints.ecs,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await ecs.send(new DeleteServiceCommand({ cluster: LOCAL.cluster, service: host, force: true }));
  // A last heartbeat would bring it back.
  const gone = new InstanceProcess(directory, host);
  await vi.waitFor(() => expect(gone.events.at(-1)).toMatchObject({ event: 'stopped' }), 40_000);
  // Nobody has heard of it for long. What looks each minute is not waited for, and may just have looked.
  await stores.set(`INSTANCE#${host}`, 'heartbeatAt', '2026-01-01T00:00:00.000Z');
  const run = openSchedules(client.target);
  await run('watch-instances');
  expect(await stores.instances.get(host)).toMatchObject({ state: 'QUARANTINED' });
  // A slot is freed last: the graph has another then.
  await vi.waitFor(async () => {
    await run('rescue-graphs');
    expect(await stores.instances.readSlots(host)).toEqual({});
  }, 60_000);
  expect(await placementOf(graphId)).not.toBe(host);
  const { answered, wrong } = await stop();
  expect(wrong).toEqual([]);
  expect(answered).toBeGreaterThan(0);
  expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
}, 150_000);
