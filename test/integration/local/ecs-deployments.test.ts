import { fileURLToPath } from 'node:url';
import {
  ClientException,
  DeregisterTaskDefinitionCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  GetTaskProtectionCommand,
  StopTaskCommand,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { create, imagesOf, PATIENTLY, register, startHarness } from './ecs-harness.ts';

const HEALTHY = fileURLToPath(new URL('./fixtures/healthy.ts', import.meta.url));
const service = { cluster: 'fleet', service: 'inst-1' };
const healthCheck = { command: ['CMD', 'GET', '/health'], interval: 0.05, timeout: 1, retries: 3, startPeriod: 20 };
const impatient = { ...healthCheck, startPeriod: 0 };
const deploymentConfiguration = {
  minimumHealthyPercent: 0,
  maximumPercent: 100,
  deploymentCircuitBreaker: { enable: true, rollback: false },
};

const deployment = async (client: ECSClient) => {
  const { services = [] } = await client.send(new DescribeServicesCommand({ cluster: 'fleet', services: ['inst-1'] }));
  return services[0]?.deployments?.[0];
};
const taskOf = async (client: ECSClient, task: string) =>
  (await client.send(new DescribeTasksCommand({ cluster: 'fleet', tasks: [task] }))).tasks?.[0];

const agent = (agentUri: string | undefined, method: string, body?: object) =>
  fetch(`${agentUri}/task-protection/v1/state`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

test('a task is completed when it is healthy, and one that is paused is killed and replaced', async () => {
  const { client, report, event, events } = await startHarness('runs', undefined, imagesOf(HEALTHY));
  await register(client, { healthCheck, stopTimeout: 1 });
  await create(client);
  const paused = await report();
  await expect.poll(() => deployment(client), PATIENTLY).toMatchObject({ rolloutState: 'COMPLETED' });
  const { task } = await event('started');
  expect(await taskOf(client, task)).toMatchObject({ healthStatus: 'HEALTHY' });

  process.kill(paused.pid, 'SIGSTOP');

  await paused.gone;
  expect((await report()).pid).not.toBe(paused.pid);
  expect(await event('stopped')).toMatchObject({ task, exitCode: 137, reason: 'Task failed container health checks' });
  expect(events.map((one) => one.event)).toEqual(['started', 'stopping', 'killing', 'stopped', 'started']);
});

test('a deployment whose tasks never get healthy is given up, and the next one starts anew', async () => {
  const { client, event, events } = await startHarness('unhealthy', undefined, imagesOf(HEALTHY));
  await register(client, { healthCheck: impatient });
  await create(client, { deploymentConfiguration });

  await event('stopped', 3);
  await expect.poll(() => deployment(client), PATIENTLY).toMatchObject({ rolloutState: 'FAILED', failedTasks: 3 });
  expect(events.filter((one) => one.event === 'started')).toHaveLength(3);

  await register(client);
  await client.send(new UpdateServiceCommand({ ...service, taskDefinition: 'graphfleet-standard' }));
  await expect.poll(() => deployment(client), PATIENTLY).toMatchObject({ rolloutState: 'COMPLETED', failedTasks: 0 });
});

test('a deployment whose tasks end at once is given up', async () => {
  const { client, event } = await startHarness('fails');
  await register(client, { healthCheck });
  await create(client, { deploymentConfiguration });

  await event('stopped', 3);

  await expect.poll(() => deployment(client), PATIENTLY).toMatchObject({ rolloutState: 'FAILED' });
});

test('a deployment that has worked is never given up: its task is replaced as often as it dies', async () => {
  const { client, report } = await startHarness('runs', undefined, imagesOf(HEALTHY));
  await register(client, { healthCheck });
  await create(client, { deploymentConfiguration });
  for (let count = 0; count < 4; count += 1) {
    const { pid } = await report();
    await expect
      .poll(() => deployment(client), PATIENTLY)
      .toMatchObject({ rolloutState: 'COMPLETED', runningCount: 1 });
    process.kill(pid, 'SIGKILL');
  }
  await report();
});

test('a task that protects itself holds up a deployment until it lets go', async () => {
  const { client, report, event, events } = await startHarness('runs', undefined, imagesOf(HEALTHY));
  await register(client);
  await create(client);
  const old = await report();
  const { task } = await event('started');
  const protect = await agent(old.environment['ECS_AGENT_URI'], 'PUT', {
    ProtectionEnabled: true,
    ExpiresInMinutes: 5,
  });
  expect(await protect.json()).toMatchObject({
    protection: { ProtectionEnabled: true, ExpirationDate: expect.any(String), TaskArn: expect.stringContaining(task) },
  });
  const protectedTasks = await client.send(new GetTaskProtectionCommand({ cluster: 'fleet', tasks: [task] }));
  expect(protectedTasks.protectedTasks).toMatchObject([{ protectionEnabled: true }]);

  await client.send(new UpdateServiceCommand({ ...service, forceNewDeployment: true }));
  await client.send(new UpdateServiceCommand({ ...service, desiredCount: 0 }));
  await client.send(new UpdateServiceCommand({ ...service, desiredCount: 1 }));
  expect(await taskOf(client, task)).toMatchObject({ lastStatus: 'RUNNING', desiredStatus: 'RUNNING' });
  expect(await deployment(client)).toMatchObject({ rolloutState: 'IN_PROGRESS' });

  const state = await agent(old.environment['ECS_AGENT_URI'], 'PUT', { ProtectionEnabled: false });
  expect(await state.json()).toMatchObject({ protection: { ProtectionEnabled: false } });
  await old.gone;
  expect((await report()).pid).not.toBe(old.pid);
  expect(events.map((one) => one.event)).toEqual(['started', 'stopping', 'stopped', 'started']);
});

test('protection does not keep a task from being stopped by name, and goes with it', async () => {
  const { client, report, event } = await startHarness('runs', undefined, imagesOf(HEALTHY));
  await register(client);
  await create(client);
  const first = await report();
  const { task } = await event('started');
  const tasks = { cluster: 'fleet', tasks: [task] };
  await client.send(new UpdateTaskProtectionCommand({ ...tasks, protectionEnabled: true }));

  await client.send(new StopTaskCommand({ cluster: 'fleet', task }));

  await first.gone;
  const second = await report();
  expect(await (await agent(second.environment['ECS_AGENT_URI'], 'GET')).json()).toMatchObject({
    protection: { ProtectionEnabled: false },
  });
  expect((await agent(second.environment['ECS_AGENT_URI'], 'PUT', { ExpiresInMinutes: 5 })).status).toBe(400);
});

test('a revision that was taken out of use is told of, and no service can be given it', async () => {
  const { client, report } = await startHarness();
  await register(client);
  await create(client);
  const { pid } = await report();
  await register(client);
  const taskDefinition = 'graphfleet-standard:2';
  await expect(
    client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'graphfleet-standard' })),
  ).rejects.toThrow('must name a revision');

  await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));

  expect((await client.send(new DescribeTaskDefinitionCommand({ taskDefinition }))).taskDefinition).toMatchObject({
    status: 'INACTIVE',
    deregisteredAt: expect.any(Date),
  });
  const newest = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'graphfleet-standard' }));
  expect(newest.taskDefinition).toMatchObject({ revision: 1, status: 'ACTIVE' });
  const update = client.send(new UpdateServiceCommand({ ...service, taskDefinition }));
  await expect(update).rejects.toThrow(ClientException);
  // One that runs from it goes on, and its next task starts.
  await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'graphfleet-standard:1' }));
  process.kill(pid, 'SIGKILL');
  await report();
  expect((await register(client)).taskDefinition).toMatchObject({ revision: 3 });
});

test('the record of starts and stops tells which image each process ran', async () => {
  const { client, event } = await startHarness();
  await register(client);
  await create(client);

  const started = await event('started');

  expect(started).toMatchObject({
    image: 'sha256:aaa',
    taskDefinition: 'graphfleet-standard:1',
    pid: expect.any(Number),
  });
  expect(started.taskArn).toContain(started.task);
});
