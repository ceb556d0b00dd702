import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type DagsterServer, startDagsterServer } from '../../fixtures/dagster-server.ts';
import { companiesGraph, plainGraph } from '../../fixtures/graph-requests.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../../fixtures/runtime-process.ts';
import { Client, streamedEvents } from '../client.ts';
import { Loading } from '../staging.ts';

let directory: string;
let dagster: DagsterServer;
let runtime: RuntimeProcess;
let client: Client;
let jobs: string;
let graph: { graphId: string; operationId: string };
/** What functions write. */
let printed = '';
const TRACE = '1-67891233-abcdef012345678912345678';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-jobs-'));
  dagster = await startDagsterServer({ token: 'secret' });
  const elsewhere = { DAGSTER: JSON.stringify(dagster.settings), DAGSTER_TOKEN: 'secret' };
  runtime = await startRuntimeProcess(directory, { ...elsewhere, POWERTOOLS_LOG_LEVEL: 'INFO' });
  runtime.process.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  client = new Client(runtime);
  const headers = { 'x-amzn-trace-id': `Root=${TRACE};Parent=53995c3f42cd8ad8;Sampled=1` };
  const created = await client.call('/v1/graphs', { body: plainGraph(), headers });
  const { graphId, operationId } = created.body as typeof graph;
  graph = { graphId, operationId };
  await client.follow(graph.operationId);
  jobs = `/v1/graphs/${graph.graphId}/jobs`;
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

type Line = Record<string, unknown>;
/** What comes after the last end of a line is not whole yet. */
const linesIn = (text: string): Line[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));
/** What the instances write. */
const linesOfInstances = async (): Promise<Line[]> => {
  const logs = join(directory, 'ecs', 'logs');
  const texts = (await readdir(logs)).map((file) => readFile(join(logs, file), 'utf8'));
  return linesIn((await Promise.all(texts)).join('\n'));
};
const ofTrace = (lines: Line[], trace: string) => lines.filter(({ xray_trace_id }) => xray_trace_id === trace);

test('the trace of a call goes through its workflow into the instance, and each line tells what it is about', async () => {
  const about = { ...graph, tenantId: 'acme' };
  const atWork = ofTrace(await linesOfInstances(), TRACE);
  expect(atWork.map(({ message }) => message)).toEqual(['A job begins', 'A job has settled']);
  for (const line of atWork) expect(line).toMatchObject({ ...about, instanceId: expect.any(String), tier: 'standard' });

  await expect
    .poll(() => ofTrace(linesIn(printed), TRACE).map((line) => line['function']), { timeout: 20_000 })
    .toEqual(expect.arrayContaining(['create-graph', 'take-slot', 'dispatch-job', 'activate-graph']));
  const steps = ofTrace(linesIn(printed), TRACE).filter(({ message }) => message === 'A step is done');
  for (const line of steps) expect(line).toMatchObject(about);
  expect(steps.find((line) => line['function'] === 'dispatch-job')).toHaveProperty('instanceId');

  // Another call has another trace, which its lines have.
  const { operationId } = await client.createGraph(plainGraph());
  const other = (await linesOfInstances()).filter((line) => line['operationId'] === operationId);
  expect(other.map(({ message }) => message)).toEqual(['A job begins', 'A job has settled']);
  expect(new Set(other.map(({ xray_trace_id }) => xray_trace_id)).size).toBe(1);
  expect(other[0]?.['xray_trace_id']).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  expect(other[0]?.['xray_trace_id']).not.toBe(TRACE);
});

test('no line has a token, a secret, a whole event, a row or a query', async () => {
  await ask({ job: 'nightly-export', config });
  const [source, derived] = (await Promise.all(
    [1, 2].map(async () => new Loading(client, (await client.createGraph(companiesGraph())).graphId)),
  )) as [Loading, Loading];
  const row = 'Ms Marker';
  const failed = { status: 'failed', error: { message: expect.stringContaining(row) } };
  expect(await source.stageRows('Company', `id,employees\nx,${row}\n`)).toMatchObject(failed);
  const cypher = `MATCH (c:Company) RETURN c.id AS id, CAST(concat('${row} ', c.id), 'INT64') AS employees`;
  expect((await client.query(source.graphId, cypher)).status).toBe(400);
  const sources = [{ kind: 'query', table: 'Company', graphId: source.graphId, cypher }];
  expect(await derived.materialize({ sources })).toMatchObject(failed);
  const lines = [...linesIn(printed), ...(await linesOfInstances())];
  const ofThem = lines.filter(({ graphId }) => [source.graphId, derived.graphId].includes(String(graphId)));
  expect(ofThem.filter(({ message }) => message === 'A job failed')).toHaveLength(2);
  expect(lines.length).toBeGreaterThan(10);
  const written = JSON.stringify(lines);
  const secrets = {
    ...runtime.tokens,
    dagster: '"secret"',
    scheme: 'Bearer',
    task: 'taskToken',
    event: 'requestContext',
    row,
  };
  for (const [name, secret] of Object.entries(secrets)) expect(written.includes(secret), name).toBe(false);
  // What a request has in it is the tenant's.
  expect(written.includes('2026-01-01')).toBe(false);
});
