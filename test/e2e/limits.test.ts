import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainGraph } from '../fixtures/graph-requests.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../fixtures/runtime-process.ts';
import { waitingGraph } from './approval.ts';
import { Client } from './client.ts';

const MOST_STREAMS = 3;
const MOST_COMMANDS = 5;
const MOST_QUERIES = 4;

let directory: string;
let runtime: RuntimeProcess;
let client: Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-limits-'));
  runtime = await startRuntimeProcess(directory, {
    GRAPHFLEET_TIERS: JSON.stringify([
      { tier: 'standard', minInstances: 1, maxInstances: 1, capacity: 50 },
      { tier: 'large', minInstances: 1, maxInstances: 1, capacity: 20, approval: true },
      { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 },
    ]),
    GRAPHFLEET_STREAMS_PER_TENANT: String(MOST_STREAMS),
    GRAPHFLEET_COMMANDS_PER_SECOND: String(MOST_COMMANDS),
    GRAPHFLEET_QUERIES_PER_SECOND: String(MOST_QUERIES),
  });
  client = new Client(runtime);
});

afterAll(async () => {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Reads until the first event: from then on the stream is open. */
const opened = async (response: Response) => {
  const reader = response.body?.getReader();
  await reader?.read();
  return reader;
};

/** Asks until the answer is not that a limit is reached: a stream that was left is closed soon, not at once. */
const untilAdmitted = async (ask: () => Promise<Response>): Promise<Response> => {
  for (;;) {
    const response = await ask();
    if (response.status !== 429) return response;
    await response.body?.cancel();
  }
};

test('a tenant has so many streams open at once, another its own; one that is left makes room', async () => {
  const operationId = await waitingGraph(client);
  const stream = () => client.stream(operationId, 0);
  const readers = [];
  // The one that told that the operation waits may be on its way out still.
  for (let count = 0; count < MOST_STREAMS; count += 1) readers.push(await opened(await untilAdmitted(stream)));

  const refused = await stream();
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await refused.json()).toMatchObject({ code: 'limit_reached', retryable: true });
  // A page is no stream.
  expect((await client.call(`/v1/operations/${operationId}/events`)).status).toBe(200);

  await readers[0]?.cancel();
  const next = await untilAdmitted(stream);
  expect(next.status).toBe(200);
  readers.push(await opened(next));
  await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' });
  // To their ends, before which they are closed: one that is left is closed later, and the next test wants its place.
  for (const reader of readers.slice(1)) while ((await reader?.read())?.done === false);
});

test('a stream of an operation that is over takes no place', async () => {
  const { operationId, events } = await client.createGraph(plainGraph());
  const streams = Array.from({ length: 4 * MOST_STREAMS }, async () => client.stream(operationId, 0));
  for (const stream of await Promise.all(streams)) {
    expect(stream.status).toBe(200);
    expect((await stream.text()).match(/^id: /gm)).toHaveLength(events.length);
  }
});

test('queries beyond so many a second are refused with the time to wait, and noted once', async () => {
  const { graphId } = await client.createGraph(plainGraph());
  const answers = await Promise.all(Array.from({ length: 60 }, () => client.query(graphId, 'RETURN 1 AS one')));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.body).toMatchObject({ code: 'limit_reached', retryable: true });
  }
  for (const answer of answers) if (answer.status !== 429) expect(answer.body).toMatchObject({ rows: [[1]] });
  const { body } = await client.call('/v1/audit?limit=100');
  const noted = (body['entries'] as Record<string, unknown>[]).filter(
    ({ action, outcome }) => action === 'POST /v1/graphs/{graphId}/query' && outcome === 'limit_reached',
  );
  // One for each minute in which there were any.
  expect(noted.length).toBeGreaterThan(0);
  expect(noted.length).toBeLessThanOrEqual(2);
});

test('commands beyond so many a second are refused before they do anything, and reads are not', async () => {
  const headers = (at: number) => ({ 'idempotency-key': `flood-${at}` });
  const body = { name: '' };
  const flood = Array.from({ length: 60 }, (_, at) =>
    client.call('/v1/graphs', { body: plainGraph({ name: `Flood ${at}` }), headers: headers(at) }),
  );
  const answers = await Promise.all(flood);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.body).toMatchObject({ code: 'limit_reached', retryable: true });
  }
  expect((await client.call('/v1/graphs')).status).toBe(200);
  // What is not valid is told as that, and counts for nothing.
  expect((await client.call('/v1/graphs', { body })).status).toBe(400);
  const accepted = answers.filter(({ status }) => status === 202).length;
  expect(accepted).toBe(60 - refused.length);
});
