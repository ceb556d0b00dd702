import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { inconsistencies, readWorld } from '../../fixtures/consistency.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client } from '../client.ts';

const PRELOAD = new URL('../../fixtures/kill-at-call.ts', import.meta.url).href;
const ONE_INSTANCE = JSON.stringify([
  { tier: 'standard', minInstances: 1, maxInstances: 1, capacity: 10 },
  { tier: 'large', minInstances: 0, maxInstances: 0, capacity: 1 },
  { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 },
]);
const ENDS = ['succeeded', 'partial', 'failed'];

let directory: string;
let order: string;
let runtime: RuntimeProcess;

const start = () =>
  startRuntimeProcess(directory, {
    NODE_OPTIONS: `--import ${PRELOAD}?order=${order}`,
    GRAPHFLEET_TIERS: ONE_INSTANCE,
  });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-refresh-recovery-'));
  order = join(directory, 'kill-order.json');
  runtime = await start();
});

afterEach(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

const killAt = async (call: number) => {
  const when = call % 2 === 0 ? 'before' : 'after';
  await writeFile(`${order}.new`, JSON.stringify({ role: 'runtime', call, when }));
  await rename(`${order}.new`, order);
};

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

const world = () => {
  const client = new DynamoDBClient({
    endpoint: runtime.endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const table = { documents: DynamoDBDocumentClient.from(client), tableName: 'graphfleet-control' };
  return readWorld(table, new DirectoryObjectStore(join(directory, 'objects')));
};

/** From the put of the refresh's first event to its end: lock, plan, walk, and all that the instance's refresh does. */
test.each([5, 11, 14, 20])(
  'a runtime that is killed (-9) at call %s of a refresh goes on with it, or takes it back, after a restart',
  async (call) => {
    await killAt(call);
    const asked = refresh('the-same-after-the-restart').catch(() => undefined);
    await runtime.ended;
    // The order was carried out.
    expect(existsSync(order)).toBe(false);
    await asked;
    runtime = await start();
    await endOf(await refresh('the-same-after-the-restart'));
    const idle = { state: 'ACTIVE', drain: null, busyCount: 0, leases: [] };
    await vi.waitFor(async () => expect(await read('/v1/fleet/instances?tier=standard')).toMatchObject([idle]), {
      timeout: 30_000,
    });
    expect(inconsistencies(await world())).toEqual([]);
    // And nothing is in the way of the next.
    expect(await endOf(await refresh('another'))).toBe('succeeded');
  },
  180_000,
);
