import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { LeaseLost } from '../../../domain/lease/lease.ts';
import { Holdings } from '../../../instance/jobs/holdings.ts';
import { TaskProtection } from '../../../instance/task-protection.ts';
import { silent } from './workplace.ts';

const MINUTE_MS = 60_000;
/** By default a poll gives up after a second. */
const PATIENTLY = { timeout: 20_000 };

// Only what the protection waits by: the calls to the agent are real.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** An ECS agent, and what it was told, in the order in which it has taken it. */
const startAgent = async () => {
  const told: boolean[] = [];
  const agent = { told, beforeTaking: async (_isProtected: boolean): Promise<void> => {}, url: '' };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { ProtectionEnabled } = (await json(request)) as { ProtectionEnabled: boolean };
    await agent.beforeTaking(ProtectionEnabled);
    told.push(ProtectionEnabled);
    response.end();
  };
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  agent.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return agent;
};

const holdingsOf = (protection: TaskProtection, confirm: () => Promise<void>): Holdings =>
  new Holdings({
    instanceId: 'inst-1',
    store: { confirm },
    leases: { release: async () => {} },
    protection,
    logger: silent,
  });

const lease = { leaseId: 'op_1.1', generation: 1 };

test('the protection of a task lasts as long as its work, also when that takes hours', async () => {
  const agent = await startAgent();
  const protection = new TaskProtection(agent.url, silent);
  await protection.begin();
  for (let renewed = 1; renewed <= 12; renewed += 1) {
    await vi.advanceTimersByTimeAsync(20 * MINUTE_MS);
    await expect.poll(() => agent.told.length, PATIENTLY).toBeGreaterThan(renewed);
  }
  protection.end();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  await expect.poll(() => agent.told.at(-1), PATIENTLY).toBe(false);
  await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
  await protection.begin();
  expect(agent.told.slice(-3)).toEqual([true, false, true]);
});

test('an end that is slow does not take the protection from the work that begins meanwhile', async () => {
  const agent = await startAgent();
  const protection = new TaskProtection(agent.url, silent);
  await protection.begin();
  const slow = Promise.withResolvers<void>();
  agent.beforeTaking = (isProtected) => (isProtected ? Promise.resolve() : slow.promise);
  protection.end();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  const begun = protection.begin();
  slow.resolve();
  await begun;
  await expect.poll(() => agent.told, PATIENTLY).toEqual([true, false, true]);
});

test('a job that is handed over again and refused then keeps the protection of what it runs under', async () => {
  const agent = await startAgent();
  let isHeld = true;
  const holdings = holdingsOf(new TaskProtection(agent.url, silent), async () => {
    if (!isHeld) throw new LeaseLost(lease.leaseId);
  });
  await holdings.begin(lease);
  isHeld = false;
  await expect(holdings.begin(lease)).rejects.toThrow(LeaseLost);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  await holdings.end(lease);
  expect(agent.told).toEqual([true]);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  await expect.poll(() => agent.told, PATIENTLY).toEqual([true, false]);
});
