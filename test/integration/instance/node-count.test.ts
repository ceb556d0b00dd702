import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { HttpInstanceClient } from '../../../domain/fleet/http-instance-client.ts';
import type { Instance } from '../../../domain/fleet/instance.ts';
import { countNodes } from '../../../domain/fleet/node-count.ts';
import { JobJournal } from '../../../instance/jobs/job-journal.ts';
import { JobRunner, type JobWorks } from '../../../instance/jobs/job-runner.ts';
import { TaskReporter } from '../../../instance/jobs/task-reporter.ts';
import { instanceServer } from '../../../instance/server.ts';
import { startStepFunctionsEndpoint } from './step-functions-endpoint.ts';
import { type GraphFile, openWorkplace, silent, uncounted } from './workplace.ts';

const snapshot = { version: 1, key: 'key', checksum: 'aa', bytes: 1 };
const HEADER = '{"columns":["COUNT(n._ID)"],"types":["INT64"]}\n';
const SUMMARY = '{"rowCount":1,"truncated":false,"durationMs":1,"snapshotVersion":1}\n';

const served = async (listener: RequestListener): Promise<Instance> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return instanceAt((server.address() as AddressInfo).port);
};

const instanceAt = (port: number) => ({ instanceId: 'inst-1', endpoint: `http://127.0.0.1:${port}` }) as Instance;

const count = (instance: Instance | undefined, graph: Pick<GraphFile, 'graphId' | 'snapshot'>) =>
  countNodes(new HttpInstanceClient(), instance, graph);

test('the engine of an instance is asked', async () => {
  const workplace = await openWorkplace();
  const { client } = await startStepFunctionsEndpoint();
  const journal = new JobJournal(workplace.workspace.jobDirectory);
  const jobs = new JobRunner({} as JobWorks, uncounted, new TaskReporter(client), journal, silent);
  const server = instanceServer({ jobs, cache: workplace.cache, generation: () => 1, logger: silent });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  expect(await count(instanceAt((server.address() as AddressInfo).port), await workplace.uploadedGraph('kg1'))).toBe(
    1n,
  );
});

test.each([
  ['nobody answers', undefined],
  [
    'the instance refuses',
    (_: unknown, response) => response.writeHead(400).end('{"code":"query_failed","message":"?"}'),
  ],
  ['the instance fails', (_: unknown, response) => response.writeHead(500).end()],
  ['the answer is cut short after "0"', (_: unknown, response) => response.writeHead(200).end(`${HEADER}[0]\n`)],
  ['the answer has no row', (_: unknown, response) => response.writeHead(200).end(`${HEADER}${SUMMARY}`)],
  ['the answer is nothing', (_: unknown, response) => response.writeHead(200).end()],
  ['the answer is no number', (_: unknown, response) => response.writeHead(200).end(`${HEADER}[null]\n${SUMMARY}`)],
] satisfies [string, RequestListener | undefined][])('a probe by which %s is not "empty"', async (_what, listener) => {
  const instance = listener ? await served(listener) : instanceAt(1);
  await expect(count(instance, { graphId: 'kg1', snapshot })).rejects.toMatchObject({
    name: 'Retryable',
    code: 'unavailable',
  });
});

test('a graph that no instance serves now is not empty either', async () => {
  await expect(count(undefined, { graphId: 'kg1', snapshot })).rejects.toMatchObject({ code: 'unavailable' });
});
