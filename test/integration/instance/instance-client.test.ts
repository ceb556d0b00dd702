import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { HttpInstanceClient } from '../../../domain/fleet/http-instance-client.ts';
import type { Instance } from '../../../domain/fleet/instance.ts';
import type { InstanceQuery } from '../../../domain/fleet/instance-job.ts';

const query: InstanceQuery = {
  graphId: 'kg1',
  snapshot: { version: 1, key: 'key', checksum: 'aa', bytes: 1 },
  cypher: 'RETURN 1',
  parameters: {},
  limit: 1,
  timeoutMs: 1_000,
};

const instanceAt = (endpoint: string): Instance => ({
  instanceId: 'inst-1',
  tier: 'standard',
  state: 'ACTIVE',
  generation: 1,
  endpoint,
  image: 'image',
  taskArn: 'task',
  capacity: 1,
  used: 0,
  heartbeatAt: '2026-01-01T00:00:00.000Z',
  launch: null,
  quarantineReason: null,
  busyCount: 0,
  drain: null,
});

const serve = async (listener: RequestListener): Promise<Instance> => {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return instanceAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
};

test('a query outlives a moment in which its instance is not there', async () => {
  let calls = 0;
  const instance = await serve((_, response) => {
    calls += 1;
    response.writeHead(calls < 3 ? 503 : 200).end('{}\n');
  });
  await new HttpInstanceClient().query(instance, query);
  expect(calls).toBe(3);
});

test('a query that is refused is not asked again', async () => {
  let calls = 0;
  const instance = await serve((_, response) => {
    calls += 1;
    response.writeHead(400).end('{"code":"query_failed","message":"no"}');
  });
  await expect(new HttpInstanceClient().query(instance, query)).rejects.toMatchObject({ code: 'query_failed' });
  expect(calls).toBe(1);
});

test('an instance that fails ten times in a row is left alone', async () => {
  let calls = 0;
  const instance = await serve((_, response) => {
    calls += 1;
    response.writeHead(503).end();
  });
  const client = new HttpInstanceClient();
  for (let attempt = 0; attempt < 15; attempt += 1) {
    await expect(client.dropDatabase(instance, 'kg1')).rejects.toMatchObject({
      name: 'Retryable',
      code: 'unavailable',
    });
  }
  expect(calls).toBe(10);
});

test("an instance's refusals do not count as failures of the instance", async () => {
  let calls = 0;
  const instance = await serve((_, response) => {
    calls += 1;
    response.writeHead(400).end('{"code":"read_only","message":"no"}');
  });
  const client = new HttpInstanceClient();
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await expect(client.query(instance, query)).rejects.toMatchObject({ code: 'read_only' });
  }
  expect(calls).toBe(12);
});

test('what an instance fails at is not asked again at once, nor counted against it: it may be one graph alone', async () => {
  let calls = 0;
  const instance = await serve((_, response) => {
    calls += 1;
    response.writeHead(500).end('{"code":"internal","message":"The instance failed."}');
  });
  const client = new HttpInstanceClient();
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await expect(client.query(instance, query)).rejects.toMatchObject({ name: 'Retryable', code: 'internal' });
  }
  expect(calls).toBe(12);
});
