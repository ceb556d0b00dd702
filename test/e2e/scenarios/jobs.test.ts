import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type DagsterServer, startDagsterServer } from '../../fixtures/dagster-server.ts';
import { plainGraph } from '../../fixtures/graph-requests.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client, streamedEvents } from '../client.ts';

let directory: string;
let dagster: DagsterServer;
let runtime: RuntimeProcess;
let client: Client;
let jobs: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-jobs-'));
  dagster = await startDagsterServer({ token: 'secret' });
  const elsewhere = { DAGSTER: JSON.stringify(dagster.settings), DAGSTER_TOKEN: 'secret' };
  runtime = await startRuntimeProcess(directory, elsewhere);
  client = new Client(runtime);
  const { graphId } = await client.createGraph(plainGraph());
  jobs = `/v1/graphs/${graphId}/jobs`;
});
afterAll(async () => {
  await runtime.stop();
  await dagster.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  dagster.behaviour.course = ['QUEUED', 'STARTED', 'SUCCESS'];
});

const config = { ops: { export: { config: { day: '2026-01-01' } } } };
const ask = (body: Record<string, unknown>, headers = {}) => client.call(jobs, { body, headers });

test('a job is run where it is, and followed to its end; the same key runs it once', async () => {
  const key = { 'idempotency-key': 'nightly-2026-01-01' };
  const first = await ask({ job: 'nightly-export', config }, key);
  expect(first).toMatchObject({ status: 202, body: { kind: 'job.run', status: 'accepted' } });
  const operationId = String(first.body['operationId']);
  const events = await client.follow(operationId);
  expect(events.at(-1)).toMatchObject({ status: 'succeeded', detail: { result: { job: 'nightly-export' } } });

  expect((await ask({ job: 'nightly-export', config }, key)).body).toEqual(first.body);
  expect((await ask({ job: 'nightly-export' }, key)).status).toBe(422);
  expect(dagster.runOf(operationId)).toMatchObject([{ status: 'SUCCESS', config }]);
});

test('cancelling the operation terminates the job', async () => {
  dagster.behaviour.course = ['STARTED'];
  const { body } = await ask({ job: 'nightly-export' });
  const operationId = String(body['operationId']);
  for await (const event of streamedEvents(await client.stream(operationId, 0))) if (event.step === 'awaitJob') break;
  expect((await client.call(`/v1/operations/${operationId}`, { method: 'DELETE' })).status).toBe(202);
  expect((await client.follow(operationId)).at(-1)).toMatchObject({ status: 'cancelled' });
  expect(dagster.runOf(operationId)).toMatchObject([{ status: 'CANCELED' }]);
});

test('a job that is not configured is not found, and what is configured is told', async () => {
  const { status, body } = await ask({ job: 'weekly-export' });
  expect(status).toBe(404);
  expect(body).toMatchObject({
    code: 'not_found',
    detail: 'There is no job "weekly-export"; there are: nightly-export, removed.',
  });
  expect((await ask({ job: 'nightly-export', url: 'http://169.254.169.254/' })).status).toBe(400);
  expect((await ask({ job: 'nightly-export', config: { text: 'x'.repeat(70_000) } })).status).toBe(413);
});

test("a job for another tenant's graph is not run", async () => {
  const { status } = await client.call(jobs, { body: { job: 'nightly-export' }, token: runtime.tokens.otherTenant });
  expect(status).toBe(404);
});
