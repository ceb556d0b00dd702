import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DagsterJobs } from '../../../domain/external-job/dagster-jobs.ts';
import { DagsterSettings } from '../../../domain/external-job/dagster-settings.ts';
import { operationIdFor, uuidOf } from '../../../domain/identifier.ts';
import { type DagsterServer, startDagsterServer } from '../../fixtures/dagster-server.ts';

const TOKEN = 'agent:secret';

let dagster: DagsterServer;
let jobs: DagsterJobs;
let operationId: string;

beforeEach(async () => {
  dagster = await startDagsterServer({ token: TOKEN });
  jobs = new DagsterJobs(dagster.settings, async () => TOKEN);
  operationId = operationIdFor('acme', undefined);
});
afterEach(() => dagster.close());

const request = { job: 'nightly-export', config: { ops: { export: { config: { day: '2026-01-01' } } } } };

test('a job is a run of the configured job, with the configuration, tagged with its operation', async () => {
  await jobs.start(operationId, request);
  expect(dagster.runOf(operationId)).toMatchObject([
    { runId: uuidOf(operationId), jobName: 'nightly_export', config: request.config, status: 'QUEUED' },
  ]);
  const url = `${dagster.url}/runs/${uuidOf(operationId)}`;
  expect(await jobs.state(operationId)).toEqual({ status: 'queued', message: expect.stringContaining('QUEUED'), url });
});

test('a job that is started twice, five times at once, and again when it is over, is one run', async () => {
  await jobs.start(operationId, request);
  await jobs.start(operationId, request);
  const another = operationIdFor('acme', undefined);
  await Promise.all(Array.from({ length: 5 }, () => jobs.start(another, request)));
  expect(dagster.runs.size).toBe(2);
  for (const run of dagster.runs.values()) run.status = 'SUCCESS';
  await jobs.start(operationId, request);
  expect(dagster.runs.size).toBe(2);
});

test('a start whose answer was lost says so, and the next one finds what it started', async () => {
  dagster.spoilNext('launchRun', 'lost');
  await expect(jobs.start(operationId, request)).rejects.toMatchObject({ name: 'Unknown', code: 'unavailable' });
  await jobs.start(operationId, request);
  expect(dagster.runOf(operationId)).toHaveLength(1);
  expect(dagster.asked.filter((field) => field === 'launchRun')).toHaveLength(1);
});

test('a start that was answered 500 is asked for again', async () => {
  dagster.spoilNext('launchRun', 'error');
  await expect(jobs.start(operationId, request)).rejects.toMatchObject({ name: 'Unknown' });
  await jobs.start(operationId, request);
  expect(dagster.runOf(operationId)).toHaveLength(1);
});

test.each([
  ['Dagster has it no more', { job: 'removed', config: {} }, 'invalid_request', 'Could not find Pipeline removed'],
  ['it does not take this configuration', { ...request, config: { unknown: 1 } }, 'invalid_request', 'unexpected'],
  ['it is not configured', { job: 'constructor', config: {} }, 'not_found', 'There is no job "constructor"'],
])('a job is refused for good when %s', async (_, refused, code, message) => {
  const failure = { name: 'Terminal', code, message: expect.stringContaining(message) };
  await expect(jobs.start(operationId, refused)).rejects.toMatchObject(failure);
  expect(dagster.runs.size).toBe(0);
});

test.each(['error', 'down', 'lost'] as const)('a look at a server that is "%s" is to be repeated', async (fault) => {
  await jobs.start(operationId, request);
  dagster.spoilNext('runOrError', fault);
  await expect(jobs.state(operationId)).rejects.toMatchObject({ name: 'Retryable', code: 'unavailable' });
  expect(await jobs.state(operationId)).toMatchObject({ status: expect.any(String) });
});

test('a termination whose answer was lost says so, and the next look tells what became of it', async () => {
  dagster.behaviour.course = ['STARTED'];
  await jobs.start(operationId, request);
  dagster.spoilNext('terminateRun', 'lost');
  await expect(jobs.terminate(operationId)).rejects.toMatchObject({ name: 'Unknown' });
  for (let look = 0; look < 3; look += 1) expect(await jobs.state(operationId)).toMatchObject({ status: 'running' });
  expect(await jobs.terminate(operationId)).toMatchObject({ status: 'canceled' });
});

test('that termination was asked for does not make a job over', async () => {
  dagster.behaviour.course = ['STARTED'];
  await jobs.start(operationId, request);
  expect(await jobs.terminate(operationId)).toMatchObject({ status: 'running' });
  // Dagster refuses to cancel what it is canceling.
  await expect(jobs.terminate(operationId)).rejects.toMatchObject({ name: 'Retryable' });
  expect(await jobs.terminate(operationId)).toMatchObject({ status: 'canceled' });
});

test('a job that can not be terminated at this moment is to be asked again', async () => {
  dagster.behaviour.course = ['STARTING', 'STARTING', 'STARTED'];
  await jobs.start(operationId, request);
  await expect(jobs.terminate(operationId)).rejects.toMatchObject({ name: 'Retryable' });
});

test('a job that is over, or never was, is not terminated', async () => {
  expect(await jobs.terminate(operationId)).toBeUndefined();
  dagster.behaviour.course = ['SUCCESS'];
  await jobs.start(operationId, request);
  expect(await jobs.terminate(operationId)).toMatchObject({ status: 'succeeded' });
  expect(dagster.asked).not.toContain('terminateRun');
});

test('nothing is done with a token that Dagster does not take', async () => {
  const stranger = new DagsterJobs(dagster.settings, async () => 'another');
  await expect(stranger.start(operationId, request)).rejects.toMatchObject({ name: 'Retryable' });
  expect(dagster.runs.size).toBe(0);
});

test('the token does not follow a redirect to another address', async () => {
  const redirecting = createServer((_, response) =>
    response.writeHead(307, { location: `${dagster.url}/graphql` }).end(),
  );
  await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`;
  const redirected = new DagsterJobs({ ...dagster.settings, url }, async () => TOKEN);
  await expect(redirected.start(operationId, request)).rejects.toMatchObject({ name: 'Retryable' });
  expect(dagster.asked).toEqual([]);
  redirecting.closeAllConnections();
  redirecting.close();
});

test('an address that is none, and a name that no path can carry, are not taken as settings', () => {
  const [job] = Object.values(dagster.settings.jobs);
  expect(DagsterSettings.safeParse({ url: 'file:///etc/passwd', jobs: {} }).success).toBe(false);
  expect(DagsterSettings.safeParse({ url: dagster.url, jobs: { 'a/b': job } }).success).toBe(false);
});
