import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoTenantLimits } from '../../../domain/limits/dynamo-tenant-limits.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

let table: ControlTableClient;
let close: () => Promise<void>;
let nowMs: number;
let tenants = 0;
let tenant: string;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());
beforeEach(() => {
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  tenants += 1;
  tenant = `tenant-${tenants}`;
});

/** The limits as a process of their own sees them. */
const aProcess = (aheadMs = 0) => new DynamoTenantLimits(table, () => nowMs + aheadMs);
const inSeconds = (seconds: number) => nowMs / 1_000 + seconds;
const granted = async (asked: Promise<boolean>[]) => (await Promise.all(asked)).filter(Boolean).length;

test('of the streams that several processes open at once, just as many are open as are allowed', async () => {
  const processes = [aProcess(), aProcess(), aProcess()];
  const asked = Array.from({ length: 12 }, (_, at) =>
    processes[at % 3]?.openStream(tenant, { streamId: `s${at}`, endsAt: inSeconds(105) }, 5),
  );
  expect(await granted(asked as Promise<boolean>[])).toBe(5);
});

test('a stream that is closed makes room, and closing it twice makes no more', async () => {
  const limits = aProcess();
  const open = (streamId: string) => limits.openStream(tenant, { streamId, endsAt: inSeconds(105) }, 1);
  expect(await open('a')).toBe(true);
  expect(await open('b')).toBe(false);
  await limits.closeStream(tenant, 'a');
  await limits.closeStream(tenant, 'a');
  expect(await open('b')).toBe(true);
  expect(await open('c')).toBe(false);
});

test('a stream whose process died is over by its time, and those that are open stay', async () => {
  const limits = aProcess();
  expect(await limits.openStream(tenant, { streamId: 'died', endsAt: inSeconds(105) }, 2)).toBe(true);
  nowMs += 50_000;
  expect(await limits.openStream(tenant, { streamId: 'open', endsAt: inSeconds(105) }, 2)).toBe(true);
  expect(await limits.openStream(tenant, { streamId: 'early', endsAt: inSeconds(105) }, 2)).toBe(false);
  nowMs += 56_000;
  expect(await limits.openStream(tenant, { streamId: 'next', endsAt: inSeconds(105) }, 2)).toBe(true);
  expect(await limits.openStream(tenant, { streamId: 'late', endsAt: inSeconds(105) }, 2)).toBe(false);
});

test('closing a stream of a tenant that never had one is harmless', async () => {
  await aProcess().closeStream(tenant, 'none');
  expect(await aProcess().openStream(tenant, { streamId: 'a', endsAt: inSeconds(105) }, 1)).toBe(true);
});

test('of the commands that several processes take in a second, just as many are let through as are allowed', async () => {
  const processes = [aProcess(), aProcess(), aProcess()];
  const asked = Array.from({ length: 15 }, (_, at) => processes[at % 3]?.takeCommand(tenant, 4));
  expect(await granted(asked as Promise<boolean>[])).toBe(4);
  nowMs += 1_000;
  expect(await granted(processes.map((limits) => limits.takeCommand(tenant, 4)))).toBe(3);
});

test('a process whose clock is behind counts in the window of the one that is ahead', async () => {
  expect(await aProcess(900).takeCommand(tenant, 2)).toBe(true);
  nowMs += 200;
  expect(await aProcess(900).takeCommand(tenant, 2)).toBe(true);
  expect(await aProcess().takeCommand(tenant, 2)).toBe(true);
  expect(await aProcess().takeCommand(tenant, 2)).toBe(false);
});

test('the limits of a tenant are its own', async () => {
  const limits = aProcess();
  expect(await limits.takeCommand(tenant, 1)).toBe(true);
  expect(await limits.takeCommand(tenant, 1)).toBe(false);
  expect(await limits.takeCommand(`${tenant}-other`, 1)).toBe(true);
});

test('of the queries of a second as many are admitted as are allowed, however many processes ask, and those of the next anew', async () => {
  const processes = [aProcess(), aProcess(), aProcess()];
  const burst = () =>
    Array.from({ length: 12 }, (_, at) => processes[at % 3]?.takeQuery(tenant, 5) as Promise<boolean>);
  expect(await granted(burst())).toBe(5);
  expect(await granted(burst())).toBe(0);
  nowMs += 1_000;
  expect(await granted(burst())).toBe(5);
});

test('a query costs one write, and none once the process knows that there is no room', async () => {
  let writes = 0;
  const documents = new Proxy(table.documents, {
    get: (target, name) =>
      name === 'send'
        ? (command: Parameters<typeof target.send>[0]) => {
            writes += 1;
            return target.send(command);
          }
        : Reflect.get(target, name),
  });
  const limits = new DynamoTenantLimits({ ...table, documents }, () => nowMs);
  for (let count = 0; count < 3; count += 1) expect(await limits.takeQuery(tenant, 3)).toBe(true);
  expect(writes).toBe(3);
  for (let count = 0; count < 5; count += 1) expect(await limits.takeQuery(tenant, 3)).toBe(false);
  expect(writes).toBe(4);
});
