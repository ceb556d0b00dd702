import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { InstanceJob, InstanceQuery } from '../../../domain/fleet/instance-job.ts';
import { JobJournal } from '../../../instance/jobs/job-journal.ts';
import { JobRunner } from '../../../instance/jobs/job-runner.ts';
import { TaskReporter } from '../../../instance/jobs/task-reporter.ts';
import { instanceServer } from '../../../instance/server.ts';
import { startStepFunctionsEndpoint } from './step-functions-endpoint.ts';
import {
  baseSchema,
  everyKindOfJob,
  type GraphFile,
  jobOf,
  openWorkplace,
  silent,
  uncounted,
  type Workplace,
} from './workplace.ts';

let workplace: Workplace;
let jobs: JobRunner;
let given: InstanceJob[];
let generation: number | undefined;
let url: string;

beforeEach(async () => {
  workplace = await openWorkplace();
  given = [];
  generation = undefined;
  const { client } = await startStepFunctionsEndpoint();
  const work = async (job: InstanceJob) => void given.push(job);
  const journal = new JobJournal(workplace.workspace.jobDirectory);
  jobs = new JobRunner(everyKindOfJob(work), uncounted, new TaskReporter(client), journal, silent);
  const service = { jobs, cache: workplace.cache, generation: () => generation, logger: silent };
  const server = instanceServer(service).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await jobs.stop();
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

const call = async (method: string, path: string, content?: unknown) => {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(content !== undefined && { body: JSON.stringify(content) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
};

const job = (ofGeneration: number): InstanceJob => ({
  ...jobOf('build-graph', { operationId: 'op_1', graphId: 'kg1' }),
  definition: { schema: baseSchema, entity: null },
  generation: ofGeneration,
});

const query = ({ graphId, snapshot }: GraphFile, cypher: string, own: Partial<InstanceQuery> = {}): InstanceQuery => ({
  graphId,
  snapshot,
  cypher,
  parameters: {},
  limit: 10,
  timeoutMs: 20_000,
  ...own,
});

test('an instance is healthy from its registration on', async () => {
  expect(await call('GET', '/health')).toMatchObject({ status: 503 });
  generation = 1;
  expect(await call('GET', '/health')).toMatchObject({ status: 200 });
});

test.each([
  ['GET', '/'],
  ['GET', '/healthy'],
  ['POST', '/health'],
  ['GET', '/queries'],
  ['PUT', '/databases/kg1'],
])('%s %s is not there', async (method, path) => {
  expect(await call(method, path)).toMatchObject({ status: 404 });
});

describe('a job', () => {
  const unavailable = { status: 503, body: { code: 'unavailable' } };

  test('of this generation is taken', async () => {
    generation = 2;
    expect(await call('PUT', '/jobs/op_1.build-graph', job(2))).toMatchObject({ status: 202 });
    await jobs.stop();
    expect(given).toEqual([job(2)]);
  });

  test('is stopped, and one that is not there is stopped already', async () => {
    generation = 1;
    await call('PUT', '/jobs/op_1.build-graph', job(1));
    for (const key of ['op_1.build-graph', 'op_1.build-graph', 'op_2.build-graph']) {
      expect(await call('DELETE', `/jobs/${key}`)).toMatchObject({ status: 204 });
    }
  });

  test('before the registration is refused', async () => {
    expect(await call('PUT', '/jobs/op_1.build-graph', job(1))).toMatchObject(unavailable);
  });

  test.each([1, 3])('of generation %i is refused by the second', async (other) => {
    generation = 2;
    expect(await call('PUT', '/jobs/op_1.build-graph', job(other))).toMatchObject(unavailable);
    await jobs.stop();
    expect(given).toEqual([]);
  });

  test('is refused by an instance that is stopping', async () => {
    generation = 1;
    await jobs.stop();
    expect(await call('PUT', '/jobs/op_1.build-graph', job(1))).toMatchObject(unavailable);
  });
});

describe('a query', () => {
  test('is answered line by line', async () => {
    const graph = await workplace.uploadedGraph('kg1');
    const response = await fetch(`${url}/queries`, {
      method: 'POST',
      body: JSON.stringify(
        query(graph, 'MATCH (e:Entity) WHERE e.identifier = $id RETURN e.identifier', { parameters: { id: 'kg1' } }),
      ),
    });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const [header, row, summary] = (await response.text()).split('\n');
    expect(header).toBe('{"columns":["e.identifier"],"types":["STRING"]}');
    expect(row).toBe('["kg1"]');
    expect(JSON.parse(summary ?? '')).toMatchObject({ rowCount: 1, truncated: false, snapshotVersion: 1 });
  });

  test.each([
    { what: 'is not Cypher', cypher: 'MATCH (', own: {}, status: 400, code: 'query_failed' },
    { what: 'names no table', cypher: 'MATCH (n:Nobody) RETURN n', own: {}, status: 400, code: 'query_failed' },
    { what: 'writes', cypher: "CREATE (:Entity {identifier: 'x'})", own: {}, status: 400, code: 'read_only' },
    { what: 'has no limit', cypher: 'RETURN 1', own: { limit: 0 }, status: 400, code: 'invalid_request' },
  ])('that $what is refused with its status, code and message', async ({ cypher, own, status, code }) => {
    const graph = await workplace.uploadedGraph('kg1');
    const message = expect.stringMatching(/\w/) as string;
    expect(await call('POST', '/queries', query(graph, cypher, own))).toEqual({ status, body: { code, message } });
  });

  test('that fails after its first row is cut short', async () => {
    const graph = await workplace.uploadedGraph('kg1');
    // The binding can not read the second value.
    const cypher = "UNWIND [1, 2] AS n RETURN CASE n WHEN 1 THEN NULL ELSE CAST('1', 'UINT128') END AS value";
    const response = await fetch(`${url}/queries`, { method: 'POST', body: JSON.stringify(query(graph, cypher)) });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await workplace.cache.close();
  });

  test('on a snapshot that is not in the object store fails without a word about our files', async () => {
    const graph = await workplace.newGraph('kg1');
    const { status, body } = await call('POST', '/queries', query(graph, 'RETURN 1'));
    expect(status).toBe(500);
    expect(body).toEqual({ code: 'internal', message: 'Version 1 of the graph is not there any more.' });
  });

  test('on a snapshot that was changed is refused', async () => {
    const [graph, other] = [await workplace.newGraph('kg1'), await workplace.newGraph('kg2')];
    await workplace.objects.upload(graph.snapshot.key, other.file);
    const refused = { status: 500, body: { code: 'internal' } };
    expect(await call('POST', '/queries', query(graph, 'RETURN 1'))).toMatchObject(refused);
  });
});

test('a graph that is dropped is gone from the disk, and dropping it again is no fault', async () => {
  const graph = await workplace.newGraph('kg1');
  await workplace.cache.adopt(graph.graphId, graph.snapshot, graph.file);
  expect(await call('DELETE', '/databases/kg1')).toMatchObject({ status: 204 });
  expect(await workplace.cachedFiles()).toEqual([]);
  expect(await call('DELETE', '/databases/kg1')).toMatchObject({ status: 204 });
});
