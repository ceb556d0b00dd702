import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../fixtures/runtime-process.ts';
import { signedToken } from '../fixtures/tokens.ts';
import { Client, streamedEvents } from './client.ts';

/** Every instance and every place is counted here, so this fleet is nobody else's. */
const STANDARD = { tier: 'standard', minInstances: 1, maxInstances: 2, capacity: 5 };
const LARGE = { tier: 'large', minInstances: 0, maxInstances: 3, capacity: 4 };
const XLARGE = { tier: 'xlarge', minInstances: 1, maxInstances: 1, capacity: 1 };

let directory: string;
let runtime: RuntimeProcess;
let client: Client;
/** An operator's, unless another token is given. */
let operator: Client;
let tenant: string;
/** Sees the fleet, and may not change it. */
let reader: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-capacity-'));
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: JSON.stringify([STANDARD, LARGE, XLARGE]) });
  const { tokens } = runtime;
  tenant = tokens.tenant;
  client = new Client(runtime);
  operator = new Client({ ...runtime, tokens: { ...tokens, tenant: tokens.operator } });
  reader = await signedToken(directory, { claims: { tenant_id: 'operations', scope: 'fleet:read' } });
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

type Instance = { instanceId: string; tier: string; state: string };
const list = async (query = ''): Promise<Instance[]> =>
  (await operator.call(`/v1/fleet/instances${query}`)).body as unknown as Instance[];
const namesOf = (instances: readonly Instance[]) => instances.map(({ instanceId }) => instanceId).sort();

const launch = (tier: string, { key, token }: { key?: string; token?: string } = {}) =>
  operator.call('/v1/fleet/instances', {
    body: { tier },
    headers: key === undefined ? {} : { 'idempotency-key': key },
    ...(token !== undefined && { token }),
  });

describe('launching an instance', () => {
  test('is accepted, can be followed by operators alone, and ends with an instance that takes graphs', async () => {
    const { status, headers, body } = await launch('standard');
    const operationId = String(body['operationId']);
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { kind: 'instance.launch', status: 'accepted', graphId: null },
    });
    expect(headers.get('location')).toBe(`/v1/operations/${operationId}`);
    const events = await operator.follow(operationId);
    expect(events.at(-1)).toMatchObject({ status: 'succeeded', percent: 100 });
    expect(await list('?tier=standard')).toMatchObject([
      { instanceId: 'inst-standard-1', tier: 'standard', state: 'ACTIVE' },
      { instanceId: 'inst-standard-2', tier: 'standard', state: 'ACTIVE', used: 0, capacity: STANDARD.capacity },
    ]);
    const { body: listed } = await operator.call('/v1/operations?fleet=true');
    expect(listed['operations']).toContainEqual(expect.objectContaining({ operationId, kind: 'instance.launch' }));
    expect(await operator.call(`/v1/operations/${operationId}`, { token: tenant })).toMatchObject({ status: 404 });
  });

  test('is refused at the maximum of its tier, and claims nothing', async () => {
    const before = namesOf(await list());
    for (const tier of ['standard', 'xlarge']) {
      expect(await launch(tier)).toMatchObject({ status: 409, body: { code: 'conflict', retryable: false } });
    }
    expect(namesOf(await list())).toEqual(before);
  });

  test('with the same Idempotency-Key, at once and later, is one launch, also when the tier is full by then', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 5 }, () => launch('large', { key })));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    const [operationId = '', ...others] = new Set(answers.map(({ body }) => String(body['operationId'])));
    expect(others).toEqual([]);
    expect((await operator.follow(operationId)).at(-1)?.status).toBe('succeeded');
    expect(namesOf(await list('?tier=large'))).toEqual(['inst-large-1']);

    const { tier: _tier, ...wanted } = LARGE;
    await operator.call('/v1/fleet/tiers/large', { method: 'PUT', body: { ...wanted, maxInstances: 1 } });
    expect((await launch('large')).status).toBe(409);
    const again = await launch('large', { key });
    expect(again).toMatchObject({ status: 202, body: { operationId } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await launch('standard', { key })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused', operationId },
    });
    expect(namesOf(await list('?tier=large'))).toEqual(['inst-large-1']);
  });

  test.each<[string, object, string]>([
    ['a tier that there is not', { tier: 'tiny' }, 'tier'],
    ['no tier', {}, 'tier'],
    ['a field that there is not', { tier: 'standard', count: 2 }, 'count'],
  ])('of %s is not valid', async (_what, body, path) => {
    expect(await operator.call('/v1/fleet/instances', { body })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path }] },
    });
  });

  test('is forbidden to tenants, and to whoever may only look', async () => {
    const before = namesOf(await list());
    for (const token of [tenant, reader]) {
      expect(await launch('large', { token })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect(namesOf(await list())).toEqual(before);
  });
});

describe('a tier without a place', () => {
  /** Takes the only place of `xlarge`, and resolves with what gives it back. */
  const fill = async () => {
    const { graphId } = await client.createGraph(plainGraph({ tier: 'xlarge' }));
    return async () => {
      const { body } = await client.call(`/v1/graphs/${graphId}?backup=false`, { method: 'DELETE' });
      expect((await client.follow(String(body['operationId']))).at(-1)?.status).toBe('succeeded');
    };
  };
  const move = (graphId: string, tier: string) => client.call(`/v1/graphs/${graphId}/tier`, { body: { tier } });
  const queued = async (operationId: string): Promise<void> => {
    for await (const { status } of streamedEvents(await client.stream(operationId, 0))) if (status === 'queued') return;
    throw new Error(`${operationId} did not come to wait.`);
  };

  test('has a move to it wait in the queue, and go on when there is one', async () => {
    const makeRoom = await fill();
    const { graphId } = await client.createGraph(companiesGraph());
    const { body } = await move(graphId, 'xlarge');
    const operationId = String(body['operationId']);
    await queued(operationId);
    expect((await client.call(`/v1/operations/${operationId}`)).body).toMatchObject({ queue: { position: 1 } });
    expect((await client.query(graphId, 'MATCH (c:Company) RETURN c.id')).body['rows']).toEqual([['acme']]);
    expect(await move(graphId, 'large')).toMatchObject({ status: 409, body: { code: 'conflict', operationId } });

    await makeRoom();
    expect((await client.follow(operationId)).at(-1)?.status).toBe('succeeded');
    expect((await client.call(`/v1/graphs/${graphId}`)).body['tier']).toBe('xlarge');
    const back = await move(graphId, 'standard');
    expect((await client.follow(String(back.body['operationId']))).at(-1)?.status).toBe('succeeded');
  });

  test('has a graph wait for one, which can be cancelled at once', async () => {
    const makeRoom = await fill();
    const { body } = await client.call('/v1/graphs', { body: plainGraph({ tier: 'xlarge' }) });
    const operationId = String(body['operationId']);
    await queued(operationId);
    expect((await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' })).status).toBe(202);
    expect((await client.follow(operationId)).at(-1)?.status).toBe('cancelled');
    await makeRoom();
  });
});
