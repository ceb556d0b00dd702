import { fileURLToPath } from 'node:url';
import { DescribeServicesCommand, DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { expect, onTestFinished, test } from 'vitest';
import { EcsInstanceServices } from '../../../domain/fleet/ecs-instance-services.ts';
import { CAPACITY_PROVIDER_TAG } from '../../../domain/fleet/tier.ts';
import { startRoad } from '../steps/steps-on-table.ts';
import { clientOf, imagesOf, PATIENTLY, register, startHarness } from './ecs-harness.ts';

const HEALTHY = fileURLToPath(new URL('./fixtures/healthy.ts', import.meta.url));
const ID = 'inst-standard-1';
const OLD = 'sha256:aaa';
const NEW = 'sha256:bbb';
const UNKNOWN = 'sha256:ccc';
const healthCheck = { command: ['CMD', 'GET', '/health'], interval: 0.05, timeout: 1, retries: 3, startPeriod: 20 };
const settings = {
  cluster: 'fleet',
  taskDefinitionPrefix: 'graphfleet',
  subnets: ['subnet-1'],
  securityGroups: ['sg-1'],
};

const wanted = (image: string, generation: number) => ({ tier: 'standard', image, generation }) as const;

/** An instance that runs the old image as generation 1, and the services as a step sees them. */
const launched = async () => {
  const harness = await startHarness('runs', undefined, imagesOf(HEALTHY));
  const road = await startRoad(harness.url);
  onTestFinished(road.close);
  const services = new EcsInstanceServices(settings, clientOf(harness.url));
  const held = new EcsInstanceServices(settings, clientOf(road.url));
  await register(harness.client, { healthCheck });
  await services.create(ID, wanted(OLD, 1));
  const first = await harness.report();
  const starts = () => harness.events.filter(({ event }) => event === 'started').length;
  const images = () => harness.events.filter(({ event }) => event === 'started').map(({ image }) => image);
  const deployed = () => expect.poll(() => services.describe(ID), PATIENTLY).toMatchObject({ rollout: 'completed' });
  const statusOf = async (taskDefinition: string) =>
    (await harness.client.send(new DescribeTaskDefinitionCommand({ taskDefinition }))).taskDefinition?.status;
  return { ...harness, services, held, heldUp: road.heldUp, first, starts, images, deployed, statusOf };
};

test('an instance is launched from its tier by image and generation, and is told of', async () => {
  const { services, first, deployed } = await launched();

  await services.create(ID, wanted(OLD, 1));
  await services.create(ID, wanted(NEW, 7));
  await deployed();

  expect(first.environment['INSTANCE_GENERATION']).toBe('1');
  expect(first.metadata).toMatchObject({
    Family: `graphfleet-${ID}`,
    Revision: '1',
    Containers: [expect.anything(), { ImageID: OLD }],
  });
  expect(await services.describe(ID)).toEqual({
    image: OLD,
    generation: 1,
    rollout: 'completed',
    rolloutReason: null,
    failedTasks: 0,
    task: {
      taskArn: first.metadata['TaskARN'],
      status: 'RUNNING',
      health: 'HEALTHY',
      isPresent: true,
      stoppedReason: null,
      exitCode: null,
    },
    stoppedTask: null,
  });
  expect(await services.describe('inst-standard-9')).toBeUndefined();
});

test('a generation is deployed once: a call that is repeated, or late, cycles nothing', async () => {
  const { services, first, report, deployed, starts, statusOf } = await launched();

  expect(await services.replace(ID, wanted(NEW, 2))).toBe('deployed');
  await first.gone;
  expect((await report()).environment['INSTANCE_GENERATION']).toBe('2');
  await deployed();

  expect(await services.replace(ID, wanted(NEW, 2))).toBe('deployed');
  expect(await services.replace(ID, wanted(OLD, 1))).toBe('superseded');
  await expect(services.replace(ID, wanted(OLD, 2))).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
  expect(await services.describe(ID)).toMatchObject({
    image: NEW,
    generation: 2,
    rollout: 'completed',
    stoppedTask: { isPresent: false, exitCode: 0 },
  });
  expect(starts()).toBe(2);
  expect([await statusOf(`graphfleet-${ID}:1`), await statusOf(`graphfleet-${ID}:2`)]).toEqual(['INACTIVE', 'ACTIVE']);
});

test("where an instance is placed is for its tier's template to say, from its next generation on", async () => {
  const { client, services, first, report, deployed, starts } = await launched();
  const service = async () =>
    (await client.send(new DescribeServicesCommand({ cluster: 'fleet', services: [ID] }))).services?.[0];
  // AWS would ask for a permission to tag tasks.
  expect(await service()).not.toHaveProperty('propagateTags');
  expect(await service()).toMatchObject({
    launchType: 'FARGATE',
    availabilityZoneRebalancing: 'DISABLED',
    deploymentConfiguration: {
      minimumHealthyPercent: 0,
      maximumPercent: 100,
      deploymentCircuitBreaker: { enable: true, rollback: false },
    },
  });

  await register(client, { healthCheck }, [{ key: CAPACITY_PROVIDER_TAG, value: 'hosts-of-ours' }]);
  expect(await service()).not.toHaveProperty('capacityProviderStrategy');
  expect(await services.replace(ID, wanted(NEW, 2))).toBe('deployed');
  await first.gone;
  const second = await report();
  await deployed();
  expect(await services.replace(ID, wanted(NEW, 2))).toBe('deployed');
  expect(await service()).toMatchObject({
    capacityProviderStrategy: [{ capacityProvider: 'hosts-of-ours', weight: 1 }],
  });

  expect(await services.rollBack(ID, { generation: 3 })).toBe('deployed');
  await second.gone;
  await report();
  await deployed();
  expect(await service()).toMatchObject({ capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }] });
  expect(starts()).toBe(3);
});

test('the same image is deployed again as another generation', async () => {
  const { services, first, report } = await launched();
  await services.replace(ID, wanted(OLD, 2));
  await first.gone;
  expect((await report()).metadata).toMatchObject({ Containers: [expect.anything(), { ImageID: OLD }] });
});

test('calls for a generation that come at once start one deployment', async () => {
  const { services, report, deployed, starts } = await launched();

  const asked = Array.from({ length: 4 }, () => services.replace(ID, wanted(NEW, 2)));

  expect(new Set(await Promise.all(asked))).toEqual(new Set(['deployed']));
  await report();
  await deployed();
  await services.replace(ID, wanted(NEW, 2));
  expect(starts()).toBe(2);
});

test('a call that is held up before it registers, while the same generation is deployed, starts nothing', async () => {
  const { services, held, heldUp, report, deployed, images } = await launched();
  const meanwhile = async () => {
    await services.replace(ID, wanted(NEW, 2));
    await report();
    await deployed();
  };
  heldUp.push({ action: 'RegisterTaskDefinition', key: `graphfleet-${ID}`, meanwhile });

  expect(await held.replace(ID, wanted(NEW, 2))).toBe('deployed');

  expect(await services.describe(ID)).toMatchObject({ generation: 2, rollout: 'completed', task: { isPresent: true } });
  expect(images()).toEqual([OLD, NEW]);
});

test.each(['RegisterTaskDefinition', 'UpdateService'])(
  'a call that is held up before its %s, while a later generation is deployed, changes nothing',
  async (action) => {
    const { services, held, heldUp, report, deployed, images } = await launched();
    const key = action === 'UpdateService' ? ID : `graphfleet-${ID}`;
    heldUp.push({
      action,
      key,
      meanwhile: async () => {
        await services.replace(ID, wanted(NEW, 2));
        await report();
        await services.replace(ID, wanted(OLD, 3));
        await report();
        await deployed();
      },
    });

    expect(await held.replace(ID, wanted(NEW, 2))).toBe('superseded');

    expect(await services.describe(ID)).toMatchObject({ generation: 3, image: OLD, rollout: 'completed' });
    expect(images()).toEqual([OLD, NEW, OLD]);
    await services.replace(ID, wanted(NEW, 4));
    await report();
    expect(images()).toEqual([OLD, NEW, OLD, NEW]);
  },
);

test('a call that is held up before its update gives way to a later generation, though ECS takes its own still', async () => {
  const { url, held, heldUp, services, report, deployed } = await launched();
  // As on AWS, where it can take ten minutes until a revision is out of use.
  const client = clientOf(url);
  client.middlewareStack.add(
    (next, { commandName }) =>
      (call) =>
        commandName === 'DeregisterTaskDefinitionCommand'
          ? Promise.resolve({ output: { $metadata: {} }, response: {} } as Awaited<ReturnType<typeof next>>)
          : next(call),
    { step: 'initialize' },
  );
  const meanwhile = async () => {
    await new EcsInstanceServices(settings, client).replace(ID, wanted(OLD, 3));
    await report();
  };
  heldUp.push({ action: 'UpdateService', key: ID, meanwhile });

  expect(await held.replace(ID, wanted(NEW, 2))).toBe('superseded');

  await deployed();
  expect(await services.describe(ID)).toMatchObject({ generation: 3, image: OLD, task: { isPresent: true } });
});

test('an image that does not start is given up, and the instance goes back to what it ran before', async () => {
  const { services, report, images } = await launched();

  await services.replace(ID, wanted(UNKNOWN, 2));
  await expect
    .poll(() => services.describe(ID), PATIENTLY)
    .toMatchObject({
      rollout: 'failed',
      failedTasks: 3,
      task: null,
      stoppedTask: {
        isPresent: true,
        exitCode: null,
        stoppedReason: expect.stringContaining('CannotPullContainerError'),
      },
    });

  expect(await services.rollBack(ID, { generation: 3 })).toBe('deployed');
  expect((await report()).environment['INSTANCE_GENERATION']).toBe('3');
  expect(await services.rollBack(ID, { generation: 3 })).toBe('deployed');
  expect(await services.rollBack(ID, { generation: 2 })).toBe('superseded');
  await expect
    .poll(() => services.describe(ID), PATIENTLY)
    .toMatchObject({ image: OLD, generation: 3, rollout: 'completed' });
  expect(images().filter((image) => image !== null)).toEqual([OLD, OLD]);
});

test('there is nothing to go back to for an instance that was just launched, and nothing to replace without a service', async () => {
  const { services } = await launched();
  await expect(services.rollBack(ID, { generation: 2 })).rejects.toMatchObject({ name: 'Terminal' });
  await expect(services.replace('inst-standard-9', wanted(OLD, 2))).rejects.toMatchObject({ name: 'Terminal' });
});

test('a task that protects itself is replaced all the same by who has claimed its cycle', async () => {
  const { services, first, report } = await launched();
  await fetch(`${first.environment['ECS_AGENT_URI']}/task-protection/v1/state`, {
    method: 'PUT',
    body: JSON.stringify({ ProtectionEnabled: true }),
  });

  await services.replace(ID, wanted(NEW, 2));

  await first.gone;
  await report();
});

test('a late call does not end the protection of the task of its own generation', async () => {
  const { services, report, deployed } = await launched();
  await services.replace(ID, wanted(NEW, 2));
  const { environment } = await report();
  await deployed();
  const state = `${environment['ECS_AGENT_URI']}/task-protection/v1/state`;
  await fetch(state, { method: 'PUT', body: JSON.stringify({ ProtectionEnabled: true }) });

  await services.replace(ID, wanted(NEW, 2));

  expect(await (await fetch(state)).json()).toMatchObject({ protection: { ProtectionEnabled: true } });
});

test('the name of an instance that was removed begins again at its first generation', async () => {
  const { services, report, first, statusOf } = await launched();
  await services.replace(ID, wanted(NEW, 2));
  await first.gone;
  const second = await report();

  await services.remove(ID);
  await services.remove(ID);
  await second.gone;
  await expect.poll(() => services.existing([ID]), PATIENTLY).toEqual(new Set());
  expect(await statusOf(`graphfleet-${ID}:2`)).toBe('INACTIVE');
  await services.create(ID, wanted(OLD, 1));

  expect((await report()).environment['INSTANCE_GENERATION']).toBe('1');
});
