import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ClientException,
  DeleteServiceCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  GetTaskProtectionCommand,
  InvalidParameterException,
  ListClustersCommand,
  ListServicesCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  ServiceNotActiveException,
  ServiceNotFoundException,
  StopTaskCommand,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { readTaskIdentity } from '../../../instance/task-metadata.ts';
import { create, image, newerImage, register, stable, startHarness } from './ecs-harness.ts';

const service = { cluster: 'fleet', service: 'inst-1' };

/** What AWS puts beside the container of a task, and before it. */
const PAUSE = { Type: 'CNI_PAUSE', ImageID: '' };
const WATCHER = { name: expect.stringContaining('guardduty') };

const describe = async (client: ECSClient) => {
  const { services = [] } = await client.send(new DescribeServicesCommand({ cluster: 'fleet', services: ['inst-1'] }));
  return services[0];
};
const describeTask = async (client: ECSClient, task: string) => {
  const { tasks = [] } = await client.send(new DescribeTasksCommand({ cluster: 'fleet', tasks: [task] }));
  return tasks[0];
};

test('a service of one task is one process, which learns from its metadata who it is', async () => {
  const { client, report } = await startHarness();
  await register(client);

  await create(client);

  const { pid, environment, metadata, directory } = await report();
  expect(() => process.kill(pid, 0)).not.toThrow();
  expect(environment).toMatchObject({ INSTANCE_TIER: 'standard', AWS_REGION: 'eu-west-1', HOME: directory });
  expect(metadata).toMatchObject({
    Cluster: 'arn:aws:ecs:eu-west-1:000000000000:cluster/fleet',
    ServiceName: 'inst-1',
    Family: 'graphfleet-standard',
    Revision: '1',
    Containers: [PAUSE, { Image: image, ImageID: 'sha256:aaa', Networks: [{ IPv4Addresses: ['127.0.0.1'] }] }],
  });
  // As an instance reads it: of its own container, whatever AWS puts beside that.
  expect(await readTaskIdentity(environment['ECS_CONTAINER_METADATA_URI_V4'] ?? '')).toEqual({
    instanceId: 'inst-1',
    taskArn: metadata['TaskARN'],
    address: '127.0.0.1',
    image: 'sha256:aaa',
  });
  const { taskArns = [] } = await client.send(new ListTasksCommand({ cluster: 'fleet', serviceName: 'inst-1' }));
  expect(taskArns).toEqual([metadata['TaskARN']]);
  expect(await describeTask(client, taskArns[0] ?? '')).toMatchObject({
    lastStatus: 'RUNNING',
    desiredStatus: 'RUNNING',
    group: 'service:inst-1',
    startedAt: expect.any(Date),
    containers: [WATCHER, { image, imageDigest: 'sha256:aaa', lastStatus: 'RUNNING' }],
  });
  expect(await describe(client)).toMatchObject({ status: 'ACTIVE', runningCount: 1, launchType: 'FARGATE' });
});

test('scaling in ends the process by SIGTERM, and the stopped task is told of', async () => {
  const { client, report, event } = await startHarness();
  await register(client);
  await create(client);
  const { gone } = await report();

  await client.send(new UpdateServiceCommand({ ...service, desiredCount: 0 }));

  await gone;
  const { task } = await event('stopped');
  expect(await describeTask(client, task)).toMatchObject({
    lastStatus: 'STOPPED',
    stopCode: 'ServiceSchedulerInitiated',
    stoppedReason: expect.stringContaining('Scaling activity'),
    containers: [WATCHER, { exitCode: 0 }],
  });
  const { taskArns } = await client.send(new ListTasksCommand({ cluster: 'fleet', desiredStatus: 'STOPPED' }));
  expect(taskArns).toHaveLength(1);
  await stable(client);
  expect(await describe(client)).toMatchObject({ runningCount: 0, pendingCount: 0, desiredCount: 0 });
});

test('a process that does not heed SIGTERM is killed after its stop timeout', async () => {
  const { client, report, event } = await startHarness('stubborn');
  await register(client, { stopTimeout: 0 });
  await create(client);
  const { gone } = await report();

  await client.send(new UpdateServiceCommand({ ...service, desiredCount: 0 }));

  await gone;
  expect(await event('stopped')).toMatchObject({ exitCode: 137 });
});

test('a task that is stopped or killed is replaced', async () => {
  const { client, report, event } = await startHarness();
  await register(client);
  await create(client);
  const first = await report();

  process.kill(first.pid, 'SIGKILL');
  const second = await report();
  const { task: killed } = await event('stopped');
  expect(await describeTask(client, killed)).toMatchObject({
    stopCode: 'EssentialContainerExited',
    containers: [WATCHER, { exitCode: 137 }],
  });
  const { task: replacement } = await event('started', 2);
  await client.send(new StopTaskCommand({ cluster: 'fleet', task: replacement, reason: 'drill' }));
  const third = await report();

  expect(new Set([first.pid, second.pid, third.pid]).size).toBe(3);
  const stopped = await describeTask(client, replacement);
  expect(stopped).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'drill' });
  expect(await describe(client)).toMatchObject({ runningCount: 1 });
});

test('a new deployment ends the old task before it starts the new one, with the wanted image', async () => {
  const { client, report, events } = await startHarness();
  await register(client);
  await create(client);
  const old = await report();
  await register(client, { image: newerImage });

  const { service: updated } = await client.send(
    new UpdateServiceCommand({ ...service, taskDefinition: 'graphfleet-standard:2' }),
  );
  expect(updated?.deployments).toHaveLength(2);
  await old.gone;
  const { metadata } = await report();

  expect(metadata).toMatchObject({ Revision: '2', Containers: [PAUSE, { Image: newerImage, ImageID: 'sha256:bbb' }] });
  expect(events.map(({ event }) => event)).toEqual(['started', 'stopping', 'stopped', 'started']);
  await stable(client);
  expect((await describe(client))?.deployments).toMatchObject([{ status: 'PRIMARY', rolloutState: 'COMPLETED' }]);
});

test('a forced deployment replaces the task of an unchanged service', async () => {
  const { client, report } = await startHarness();
  await register(client);
  await create(client);
  const old = await report();

  await client.send(new UpdateServiceCommand({ ...service, forceNewDeployment: true }));

  await old.gone;
  expect((await report()).pid).not.toBe(old.pid);
});

test('an image that is not known fails the task, again and again, and a good deployment heals the service', async () => {
  const { client, report, event } = await startHarness();
  await register(client, { image: 'other:latest' });
  await create(client);

  const { task, pid } = await event('stopped', 2);
  expect(pid).toBeNull();
  expect(await describeTask(client, task)).toMatchObject({
    stopCode: 'TaskFailedToStart',
    stoppedReason: 'CannotPullContainerError: "other:latest" is not an image that this machine knows',
  });
  expect(await describe(client)).toMatchObject({
    runningCount: 0,
    pendingCount: 1,
    deployments: [{ rolloutState: 'IN_PROGRESS' }],
  });

  await register(client);
  await client.send(new UpdateServiceCommand({ ...service, taskDefinition: 'graphfleet-standard' }));
  await report();
});

test('a task that fails at once is started again, and its exit code is told', async () => {
  const { client, event, directory } = await startHarness('fails');
  await register(client);
  await create(client);

  expect(await event('stopped', 3)).toMatchObject({ exitCode: 3, reason: 'Essential container in task exited' });

  const log = await readFile(join(directory, 'logs', 'inst-1.log'), 'utf8');
  expect(log).toContain('the instance speaks');
});

test('a name is taken as long as its service is active', async () => {
  const { client, report, event } = await startHarness();
  await register(client);
  const { service: created } = await create(client, { clientToken: 'token-1' });

  await expect(create(client)).rejects.toThrow(InvalidParameterException);
  expect((await create(client, { clientToken: 'token-1' })).service?.serviceArn).toBe(created?.serviceArn);

  await report();
  await expect(client.send(new DeleteServiceCommand(service))).rejects.toThrow('scaled above 0');
  await client.send(new DeleteServiceCommand({ ...service, force: true }));
  await event('stopped');
  expect(await describe(client)).toMatchObject({ status: 'INACTIVE' });
  await expect(client.send(new UpdateServiceCommand(service))).rejects.toThrow(ServiceNotActiveException);
  expect((await client.send(new ListServicesCommand({ cluster: 'fleet' }))).serviceArns).toEqual([]);
  await create(client);
  await report();
});

test('services are listed by pages', async () => {
  const { client } = await startHarness();
  await register(client);
  for (const serviceName of ['a', 'b', 'c']) await create(client, { serviceName, desiredCount: 0 });
  const list = (nextToken?: string) =>
    client.send(new ListServicesCommand({ cluster: 'fleet', maxResults: 2, nextToken }));

  const first = await list();
  const second = await list(first.nextToken);

  expect([first.serviceArns?.length, second.serviceArns?.length, second.nextToken]).toEqual([2, 1, undefined]);
});

test('protection of a task is kept and told', async () => {
  const { client, report, event } = await startHarness();
  await register(client);
  await create(client);
  await report();
  const { task } = await event('started');
  const tasks = [task, 'none'];

  await client.send(
    new UpdateTaskProtectionCommand({ cluster: 'fleet', tasks, protectionEnabled: true, expiresInMinutes: 5 }),
  );

  const { protectedTasks, failures } = await client.send(new GetTaskProtectionCommand({ cluster: 'fleet', tasks }));
  expect(protectedTasks).toMatchObject([{ protectionEnabled: true, expirationDate: expect.any(Date) }]);
  expect(failures).toMatchObject([{ reason: 'MISSING' }]);
});

test('a task definition is found by family, revision and ARN, and keeps what it was registered with', async () => {
  const { client } = await startHarness();
  const { taskDefinition: first } = await register(client);
  await register(client, { image: newerImage });
  const find = (taskDefinition: string) => client.send(new DescribeTaskDefinitionCommand({ taskDefinition }));

  expect((await find('graphfleet-standard')).taskDefinition?.revision).toBe(2);
  expect((await find('graphfleet-standard:1')).taskDefinition).toEqual(first);
  expect((await find(first?.taskDefinitionArn ?? '')).taskDefinition).toMatchObject({
    cpu: '256',
    networkMode: 'awsvpc',
    registeredAt: expect.any(Date),
    containerDefinitions: [{ image, essential: true }],
  });
  await expect(find('other')).rejects.toThrow(ClientException);
});

test('what is not there or not modelled is refused by name', async () => {
  const { client } = await startHarness();
  await register(client);
  const twoContainers = {
    family: 'two',
    containerDefinitions: [
      { name: 'a', image },
      { name: 'b', image },
    ],
  };
  const withCommand = { family: 'two', containerDefinitions: [{ name: 'a', image, command: ['sh'] }] };

  await expect(client.send(new ListClustersCommand({}))).rejects.toThrow('ListClusters');
  await expect(client.send(new UpdateServiceCommand(service))).rejects.toThrow(ServiceNotFoundException);
  await expect(create(client, { taskDefinition: 'other' })).rejects.toThrow(ClientException);
  await expect(create(client, { desiredCount: 2 })).rejects.toThrow('more than one task');
  await expect(create(client, { deploymentConfiguration: undefined })).rejects.toThrow('deploymentConfiguration');
  await expect(create(client, { loadBalancers: [{}] })).rejects.toThrow('loadBalancers');
  await expect(client.send(new RegisterTaskDefinitionCommand(twoContainers))).rejects.toThrow('exactly one container');
  await expect(client.send(new RegisterTaskDefinitionCommand(withCommand))).rejects.toThrow('command');
  const missing = await client.send(new DescribeServicesCommand({ cluster: 'fleet', services: ['inst-9'] }));
  expect(missing.failures).toMatchObject([{ reason: 'MISSING' }]);
});
