import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EXIT_CODES } from '../../../client/exit-codes.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { leaseIdFor } from '../../../domain/lease/lease.ts';
import { instanceImages, publishInstanceImage } from '../../../local/instance-image.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { sampled } from '../../fixtures/sample.ts';
import { Client } from '../client.ts';
import { openStores } from '../stores.ts';

const COMMAND = fileURLToPath(new URL('../../../client/graphfleet.ts', import.meta.url));
const REFRESHES = '/v1/fleet/refreshes';
const tier = (name: string, count: number) => ({ tier: name, minInstances: count, maxInstances: count, capacity: 10 });
const tiers = [tier('standard', 2), tier('large', 1), tier('xlarge', 1), tier('shared', 0)];
const LARGE = 'inst-large-1';

let directory: string;
let runtime: RuntimeProcess;
let client: Client;
let stores: ReturnType<typeof openStores>;

const start = async () => {
  runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: JSON.stringify(tiers) });
  client = new Client({ ...runtime, dataDirectory: directory });
  stores = openStores({ ...runtime, dataDirectory: directory });
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-refresh-'));
  await start();
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const asOperator = (path: string, body?: unknown, method?: string) =>
  client.call(path, { token: runtime.tokens.operator, ...(body !== undefined && { body }), ...(method && { method }) });
const refresh = (body: object, headers: Record<string, string> = {}) =>
  client.call(REFRESHES, { body, token: runtime.tokens.operator, headers });

type Result = { outcome: string; counts: Record<string, number>; instances: { instanceId: string; outcome: string }[] };
type Operation = { operationId: string; status: string; message: string; result: Result; error: { message: string } };
const operation = async (operationId: string) =>
  (await asOperator(`/v1/operations/${operationId}`)).body as unknown as Operation;
const report = async (operationId: string) =>
  (await asOperator(`${REFRESHES}/${operationId}/instances`)).body['instances'] as Record<string, unknown>[];

/** Looks until an operation is over. */
const over = (operationId: string): Promise<Operation> =>
  vi.waitFor(
    async () => {
      const found = await operation(operationId);
      expect(['accepted', 'running', 'queued', 'cancelling', 'compensating']).not.toContain(found.status);
      return found;
    },
    { timeout: 80_000, interval: 100 },
  );

const started = async (body: object): Promise<string> => {
  const answer = await refresh(body);
  expect(answer).toMatchObject({ status: 202, body: { kind: 'fleet.refresh', status: 'accepted' } });
  return answer.body['operationId'] as string;
};
const refreshed = async (body: object): Promise<Operation> => over(await started(body));

/** What an operation that is at work holds of an instance, and how it lets go. */
const holdLease = async (instanceId: string) => {
  const operationId = operationIdFor('acme', undefined);
  const leaseId = leaseIdFor(operationId);
  await stores.leases.acquire(instanceId, { leaseId, kind: 'materialization', acquiredAt: new Date().toISOString() });
  return { operationId, release: () => stores.releaseLease(instanceId, leaseId) };
};

/** Sets the image that is wanted of a tier. */
const wantImage = async (tier: string, image: string): Promise<void> => {
  expect((await asOperator(`/v1/fleet/tiers/${tier}`, { image }, 'PUT')).status).toBe(200);
};
/** Another one each time, also when a test is tried again. */
const newImage = (label: string) => publishInstanceImage(instanceImages(directory), `${label} ${randomUUID()}`);

/** Runs the command as a pipeline does. */
const command = (...parameters: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, GRAPHFLEET_URL: runtime.url, GRAPHFLEET_TOKEN: runtime.tokens.operator };
    execFile(process.execPath, [COMMAND, ...parameters], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });

const instance = async (instanceId: string) => stores.instances.get(instanceId);

describe('a refresh that can not be', () => {
  test.each([
    ['of a tier that there is not', { tiers: ['tiny'] }, 'tiers.0'],
    ['of no tier', { tiers: [] }, 'tiers'],
    ['by force without a reason', { forceIgnoreBusy: true }, 'reason'],
    ['by force at the deadline without a reason', { onDeadline: 'force' }, 'reason'],
    ['for an empty reason', { forceIgnoreBusy: true, reason: '  ' }, 'reason'],
    ['by force that skips what is busy', { forceIgnoreBusy: true, reason: 'r', onBusy: 'skip' }, 'onBusy'],
    ['with a wait of less than nothing', { maxWaitMinutes: -1 }, 'maxWaitMinutes'],
    ['with a wait of days', { maxWaitMinutes: 100_000 }, 'maxWaitMinutes'],
    ['of nothing at once', { maxConcurrent: 0 }, 'maxConcurrent'],
    ['with a word that is not known', { onBusy: 'hope' }, 'onBusy'],
    ['with an option that there is not', { force: true }, 'force'],
    ['of an instance of another tier', { tiers: ['standard'], instances: [LARGE] }, 'instances.0'],
  ])('%s is refused, and the field is named', async (_what, body, path) => {
    expect(await refresh(body)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [expect.objectContaining({ path })] },
    });
  });

  test('of an instance that there is not is refused with the way to those that there are', async () => {
    const answer = await refresh({ instances: ['inst-none-1'] });
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(answer.body['detail']).toContain('GET /v1/fleet/instances');
  });

  test('by a tenant is refused, and so is to see one', async () => {
    expect((await client.call(REFRESHES, { body: {} })).status).toBe(403);
    const { operationId } = await refreshed({ tiers: ['shared'] });
    expect((await client.call(`${REFRESHES}/${operationId}/instances`)).status).toBe(403);
  });

  test('is not found by an id of something else, and its pages not by a cursor of somebody else', async () => {
    expect((await asOperator(`${REFRESHES}/op_00000000000000000000000000/instances`)).status).toBe(404);
    const { operationId } = await refreshed({ tiers: ['shared'] });
    const page = await asOperator(`${REFRESHES}/${operationId}/instances?cursor=nonsense!`);
    expect(page).toMatchObject({ status: 400, body: { errors: [{ path: 'cursor' }] } });
  });
});

describe('a fleet that has the wanted images', () => {
  test('is told to be unchanged by a dry run, which starts nothing', async () => {
    const { status, body } = await refresh({ dryRun: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: 4, cycle: 0, unchanged: 4, skip: 0 });
    expect((await asOperator('/v1/operations?fleet=true&kind=fleet.refresh&status=running')).body).toMatchObject({
      operations: [],
    });
  });

  test('is not cycled, and that is a success', async () => {
    const before = await Promise.all(['inst-standard-1', 'inst-standard-2'].map(instance));
    const ended = await refreshed({ tiers: ['standard'], dryRun: false });
    expect(ended).toMatchObject({ status: 'succeeded', result: { outcome: 'unchanged', counts: { unchanged: 2 } } });
    const after = await Promise.all(['inst-standard-1', 'inst-standard-2'].map(instance));
    expect(after.map((one) => one?.taskArn)).toEqual(before.map((one) => one?.taskArn));
    expect(await command('refresh', '--tier', 'standard')).toMatchObject({ code: EXIT_CODES.done });
  });

  test('is cycled by forceRestart', async () => {
    const before = await instance('inst-xlarge-1');
    const ended = await refreshed({ tiers: ['xlarge'], forceRestart: true });
    expect(ended).toMatchObject({ status: 'succeeded', result: { outcome: 'refreshed' } });
    const after = await instance('inst-xlarge-1');
    expect(after).toMatchObject({ state: 'ACTIVE', generation: (before?.generation ?? 0) + 1, image: before?.image });
    expect(after?.taskArn).not.toBe(before?.taskArn);
  });
});

describe('an instance that is at work', () => {
  beforeAll(async () => {
    await wantImage('large', await newImage('for-large'));
  });
  const held = async (work: (lease: Awaited<ReturnType<typeof holdLease>>) => Promise<void>) => {
    const lease = await holdLease(LARGE);
    const before = await instance(LARGE);
    try {
      await work(lease);
    } finally {
      await lease.release();
    }
    return { before, after: await instance(LARGE) };
  };

  test('is told of by a dry run, with what is at work there', async () => {
    await held(async ({ operationId }) => {
      const { body } = await refresh({ tiers: ['large'], dryRun: true });
      expect(body).toMatchObject({ total: 1, cycle: 1, busy: 1 });
      expect(body['instances']).toMatchObject([
        {
          order: 1,
          instanceId: LARGE,
          canary: true,
          action: 'cycle',
          leases: [{ operationId, kind: 'materialization' }],
        },
      ]);
      const { code, output } = await command('refresh', '--tier', 'large', '--dry-run');
      expect({ code, output }).toMatchObject({
        code: 0,
        output: expect.stringContaining(`1. ${LARGE}: cycle (canary), 1 at work`),
      });
    });
  });

  test.each([
    ['is left to its work at the deadline', ['--max-wait-minutes', '0'], 'partial', 'deferred', EXIT_CODES.deferred],
    ['is skipped', ['--on-busy', 'skip'], 'partial', 'skipped', EXIT_CODES.skipped],
    ['fails the refresh', ['--on-busy', 'fail'], 'failed', 'failed', EXIT_CODES.failed],
    [
      'fails it at the deadline',
      ['--max-wait-minutes', '0', '--on-deadline', 'fail'],
      'failed',
      'failed',
      EXIT_CODES.failed,
    ],
  ])('%s when that is asked for, and stays in use', async (_what, parameters, status, outcome, exitCode) => {
    const { before, after } = await held(async () => {
      const { code, output } = await command('refresh', '--tier', 'large', ...parameters);
      expect({ code, output }).toMatchObject({ code: exitCode });
      const operationId = output.slice(0, output.indexOf(' '));
      expect(await operation(operationId)).toMatchObject({
        status,
        result: { instances: [{ instanceId: LARGE, outcome }] },
      });
      expect(await report(operationId)).toMatchObject([{ instanceId: LARGE, status: 'over', outcome }]);
    });
    expect(after).toMatchObject({ state: 'ACTIVE', taskArn: before?.taskArn, generation: before?.generation });
  });

  test('keeps the refresh waiting, which a second one is refused for; cancelled, it goes on working', async () => {
    const { before, after } = await held(async () => {
      const key = { 'idempotency-key': `refresh-${Date.now()}` };
      const first = await refresh({ tiers: ['large'] }, key);
      const operationId = first.body['operationId'] as string;
      const second = await refresh({ tiers: ['standard', 'large'] });
      expect(second).toMatchObject({ status: 409, body: { code: 'conflict', operationId } });
      expect((await command('refresh', '--tier', 'large')).code).toBe(EXIT_CODES.refused);
      // The other tier of the second is not held by it.
      expect(await refreshed({ tiers: ['standard'] })).toMatchObject({ status: 'succeeded' });
      const again = await refresh({ tiers: ['large'] }, key);
      expect(again.body).toEqual(first.body);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect((await refresh({ tiers: ['standard'] }, key)).body).toMatchObject({ code: 'idempotency_key_reused' });

      await vi.waitFor(async () => {
        expect((await operation(operationId)).message).toContain(`waiting for ${LARGE}`);
        expect(await report(operationId)).toMatchObject([{ status: 'under_way', operationStatus: expect.any(String) }]);
        expect(await instance(LARGE)).toMatchObject({ state: 'DRAINING' });
      }, 20_000);
      await asOperator(`/v1/operations/${operationId}`, undefined, 'DELETE');
      expect((await over(operationId)).status).toBe('cancelled');
      expect(await report(operationId)).toMatchObject([{ status: 'over', outcome: 'skipped' }]);
      expect((await command('follow', operationId)).code).toBe(EXIT_CODES.cancelled);
    });
    expect(after).toMatchObject({ state: 'ACTIVE', taskArn: before?.taskArn });
  });

  test('is cut off by force, which is told', async () => {
    await wantImage('large', await newImage('for-large-by-force'));
    const lease = await holdLease(LARGE);
    const forced = await command('refresh', '--tier', 'large', '--force-ignore-busy', '--reason', 'A flaw of security');
    expect(forced).toMatchObject({ code: EXIT_CODES.done });
    const operationId = forced.output.slice(0, forced.output.indexOf(' '));
    expect(await operation(operationId)).toMatchObject({
      status: 'succeeded',
      result: { outcome: 'refreshed', instances: [{ outcome: 'forced', interrupted: [lease.operationId] }] },
    });
    expect(await instance(LARGE)).toMatchObject({ state: 'ACTIVE', busyCount: 0 });
  });

  test('is cycled as soon as its work is done', async () => {
    const image = await newImage('for-large-again');
    await wantImage('large', image);
    const lease = await holdLease(LARGE);
    const operationId = await started({ tiers: ['large'] });
    await vi.waitFor(async () => expect(await instance(LARGE)).toMatchObject({ state: 'DRAINING' }), 20_000);
    await lease.release();
    expect(await over(operationId)).toMatchObject({
      status: 'succeeded',
      result: {
        outcome: 'refreshed',
        instances: [{ instanceId: LARGE, outcome: 'refreshed', busyAtStart: 1, toImage: image }],
      },
    });
    expect(await instance(LARGE)).toMatchObject({ state: 'ACTIVE', image });
  });
});

test('a new image comes to the canary first, and then to the others', async () => {
  const image = await newImage('for-standard');
  await wantImage('standard', image);
  const operationId = await started({ tiers: ['standard'], maxConcurrent: 5 });
  const ended = await over(operationId);
  expect(ended).toMatchObject({ status: 'succeeded', result: { outcome: 'refreshed', counts: { refreshed: 2 } } });
  const rows = await report(operationId);
  expect(rows.map(({ canary }) => canary)).toEqual([true, false]);
  const [canary, other] = await Promise.all(
    rows.map(({ operationId: child }) => asOperator(`/v1/operations/${child as string}`)),
  );
  const [endedAt, begunAt] = [canary?.body['updatedAt'], other?.body['createdAt']] as [string, string];
  expect(begunAt > endedAt).toBe(true);
  for (const instanceId of ['inst-standard-1', 'inst-standard-2']) {
    expect(await instance(instanceId)).toMatchObject({ state: 'ACTIVE', image });
  }
});

test('a refresh that waits when everything is killed (-9) goes on when it is back', async () => {
  const image = await newImage('for-large-after-a-kill');
  await wantImage('large', image);
  const lease = await holdLease(LARGE);
  const operationId = await started({ tiers: ['large'] });
  await vi.waitFor(async () => expect(await instance(LARGE)).toMatchObject({ state: 'DRAINING' }), 20_000);
  await runtime.kill();
  await start();
  expect((await refresh({ tiers: ['large'] })).body).toMatchObject({ code: 'conflict', operationId });
  await lease.release();
  expect(await over(operationId)).toMatchObject({ status: 'succeeded', result: { outcome: 'refreshed' } });
  expect(await instance(LARGE)).toMatchObject({ state: 'ACTIVE', image });
}, 120_000);

describe('a refresh during which everything is killed (-9)', () => {
  const underWay = async (state: string) => {
    const found = await Promise.all(['inst-standard-1', 'inst-standard-2'].map(instance));
    expect(found.map((one) => one?.state)).toContain(state);
  };
  const moments: [string, (operationId: string) => Promise<void>][] = [
    ['when an instance is cycling', () => underWay('CYCLING')],
    ['when it is accepted', async () => {}],
    [
      'when its canary is done',
      async (operationId) => expect(await report(operationId)).toMatchObject([{ outcome: 'refreshed' }, {}]),
    ],
  ];
  test.each(sampled(moments))(
    '%s is brought to an end, and asking again completes it',
    async (when, isSo) => {
      const image = await newImage(when);
      await wantImage('standard', image);
      const operationId = await started({ tiers: ['standard'] });
      await vi.waitFor(() => isSo(operationId), { timeout: 60_000, interval: 5 });
      await runtime.kill();
      await start();
      const ended = await over(operationId);
      expect(['succeeded', 'failed']).toContain(ended.status);
      expect(await refreshed({ tiers: ['standard'] })).toMatchObject({ status: 'succeeded' });
      for (const instanceId of ['inst-standard-1', 'inst-standard-2']) {
        expect(await instance(instanceId)).toMatchObject({ state: 'ACTIVE', image });
      }
    },
    180_000,
  );
});

test('an image that does not come up is rolled back on the canary, and goes no further', async () => {
  const before = await Promise.all(['inst-standard-1', 'inst-standard-2'].map(instance));
  const broken = instanceImages(directory).put('process.exit(1);\n');
  await wantImage('standard', broken);
  const { code, output } = await command('refresh', '--tier', 'standard', '--max-concurrent', '5');
  expect({ code, output }).toMatchObject({ code: EXIT_CODES.failed });
  const operationId = output.slice(0, output.indexOf(' '));
  const ended = await operation(operationId);
  expect(ended).toMatchObject({ status: 'failed', result: { outcome: 'failed', counts: { failed: 1, skipped: 1 } } });
  const after = await Promise.all(['inst-standard-1', 'inst-standard-2'].map(instance));
  expect(after.map((one) => one?.image)).toEqual(before.map((one) => one?.image));
  expect(after.map((one) => one?.state)).toEqual(['ACTIVE', 'ACTIVE']);
}, 180_000);
