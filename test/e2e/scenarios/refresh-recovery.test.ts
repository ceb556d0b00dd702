import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inconsistencies, readWorld } from '../../fixtures/consistency.ts';
import { KillOrder } from '../../fixtures/kill-order.ts';
import { ONE_STANDARD_INSTANCE, type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { sampled } from '../../fixtures/sample.ts';
import { Client } from '../client.ts';
import { openStores } from '../stores.ts';

const ENDS = ['succeeded', 'partial', 'failed'];

let directory: string;
let order: KillOrder;
let runtime: RuntimeProcess;

const start = () => startRuntimeProcess(directory, { ...order.environment, GRAPHFLEET_TIERS: ONE_STANDARD_INSTANCE });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-refresh-recovery-'));
  order = new KillOrder(directory);
  runtime = await start();
});

afterEach(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const refresh = async (key: string): Promise<string> => {
  const body = { tiers: ['standard'], forceRestart: true };
  const options = { body, token: runtime.tokens.operator, headers: { 'idempotency-key': key } };
  const answer = await new Client(runtime).call('/v1/fleet/refreshes', options);
  expect(answer).toMatchObject({ status: 202 });
  return String(answer.body['operationId']);
};

const read = async (path: string): Promise<unknown> =>
  (await new Client(runtime).fetch(path, { token: runtime.tokens.operator })).json();

const endOf = (operationId: string) =>
  vi.waitFor(
    async () => {
      const operation = (await read(`/v1/operations/${operationId}`)) as { status: string };
      expect(ENDS).toContain(operation.status);
      return operation.status;
    },
    { timeout: 85_000, interval: 250 },
  );

/** From the put of the refresh's first event to its end: lock, plan, walk, and all that the instance's refresh does. */
test.each(sampled([5, 11, 14, 20]))(
  'a runtime that is killed (-9) at call %s of a refresh goes on with it, or takes it back, after a restart',
  async (call) => {
    await order.give({ role: 'runtime', call, when: call % 2 === 0 ? 'before' : 'after' });
    const asked = refresh('the-same-after-the-restart').catch(() => undefined);
    await runtime.ended;
    expect(order.wasCarriedOut).toBe(true);
    await asked;
    runtime = await start();
    await endOf(await refresh('the-same-after-the-restart'));
    const idle = { state: 'ACTIVE', drain: null, busyCount: 0, leases: [] };
    await vi.waitFor(async () => expect(await read('/v1/fleet/instances?tier=standard')).toMatchObject([idle]), {
      timeout: 30_000,
    });
    const stores = openStores({ ...runtime, dataDirectory: directory });
    expect(inconsistencies(await readWorld(stores.table, stores.objects))).toEqual([]);
    // And nothing is in the way of the next.
    expect(await endOf(await refresh('another'))).toBe('succeeded');
  },
  180_000,
);
