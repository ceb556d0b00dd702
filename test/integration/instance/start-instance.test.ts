import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../../domain/fleet/dynamo-tier-store.ts';
import { StepFunctionsWaitingTasks } from '../../../domain/operation/step-functions-waiting-tasks.ts';
import { JobJournal } from '../../../instance/jobs/job-journal.ts';
import { jobWorks } from '../../../instance/jobs/job-works.ts';
import { TaskReporter } from '../../../instance/jobs/task-reporter.ts';
import {
  type InstanceParts,
  PastGeneration,
  type StartedInstance,
  startInstance,
} from '../../../instance/start-instance.ts';
import { TaskProtection } from '../../../instance/task-protection.ts';
import { Workspace } from '../../../instance/workspace.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { temporaryDirectory } from '../local/temporary-directory.ts';
import { type StepFunctionsEndpoint, startStepFunctionsEndpoint } from './step-functions-endpoint.ts';
import { silent, WatchedObjectStore } from './workplace.ts';

let table: ControlTableClient;
let close: () => Promise<void>;
let instances: DynamoInstanceStore;
let stepFunctions: StepFunctionsEndpoint;
let count = 0;
let instanceId: string;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
  instances = new DynamoInstanceStore(table);
});
afterAll(() => close());
beforeEach(async () => {
  stepFunctions = await startStepFunctionsEndpoint();
  count += 1;
  instanceId = `inst-large-${count}`;
});

const partsOf = async (own: Partial<InstanceParts> = {}): Promise<InstanceParts> => ({
  task: { instanceId, taskArn: 'task-1', address: '127.0.0.1', image: 'sha256:1' },
  tier: 'large',
  generation: 1,
  listen: { host: '127.0.0.1', port: 0 },
  workDirectory: await temporaryDirectory(),
  cacheLimits: { bytes: 2 ** 30, openDatabases: 8 },
  table,
  objects: new WatchedObjectStore(await temporaryDirectory()),
  works: jobWorks,
  reporter: new TaskReporter(stepFunctions.client),
  waitingTasks: new StepFunctionsWaitingTasks(stepFunctions.client),
  protection: new TaskProtection(undefined, silent),
  logger: silent,
  heartbeatMs: null,
  onReplaced: () => {},
  ending: new AbortController().signal,
  ...own,
});
const started = async (parts: InstanceParts): Promise<StartedInstance> => {
  const instance = await startInstance(parts);
  onTestFinished(() => instance.close());
  return instance;
};
const register = (taskArn: string, generation: number) =>
  instances.register(
    { instanceId, tier: 'large', endpoint: 'http://127.0.0.1:1', image: 'sha256:1', taskArn, capacity: 1, generation },
    new Date().toISOString(),
  );

/** A port that was free a moment ago. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

test('an instance that has registered takes as many graphs as its tier says, and is healthy', async () => {
  const tiers = new DynamoTierStore(table);
  await tiers.put({ ...(await tiers.get('large')), capacity: 7 });
  await started(await partsOf());
  const { endpoint = '', ...registered } = (await instances.get(instanceId)) ?? {};
  expect(registered).toMatchObject({ tier: 'large', state: 'ACTIVE', capacity: 7, taskArn: 'task-1', generation: 1 });
  expect((await fetch(`${endpoint}/health`)).status).toBe(200);
});

test('the workflows of jobs that an earlier process left hear of it', async () => {
  const workDirectory = await temporaryDirectory();
  const { jobDirectory } = await Workspace.open(workDirectory);
  await new JobJournal(jobDirectory).begin('op_1.build-graph', 'left behind');
  await started(await partsOf({ workDirectory }));
  expect(stepFunctions.reports).toMatchObject([{ action: 'SendTaskFailure', taskToken: 'left behind' }]);
  expect(await new JobJournal(jobDirectory).unfinished()).toEqual([]);
});

test('one that is told to end before it has registered does not register, and ends', async () => {
  const instance = await startInstance(await partsOf({ ending: AbortSignal.abort() }));
  await instance.stop();
  expect(await instances.get(instanceId)).toBeUndefined();
});

test('one of an earlier generation does not become the instance, and does not listen any more', async () => {
  await register('task-2', 2);
  const listen = { host: '127.0.0.1', port: await freePort() };
  await expect(startInstance(await partsOf({ listen }))).rejects.toThrow(PastGeneration);
  expect(await instances.get(instanceId)).toMatchObject({ taskArn: 'task-2', generation: 2 });
  await expect(fetch(`http://127.0.0.1:${listen.port}/health`)).rejects.toThrow();
});

test('one that another task has replaced is told at its next heartbeat', async () => {
  const replaced = Promise.withResolvers<void>();
  await started(await partsOf({ heartbeatMs: 1, onReplaced: replaced.resolve }));
  await register('task-2', 2);
  await replaced.promise;
  expect(await instances.get(instanceId)).toMatchObject({ taskArn: 'task-2' });
});
