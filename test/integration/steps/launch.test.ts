import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ECSClient } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoInstanceLaunchStore } from '../../../domain/fleet/dynamo-instance-launch-store.ts';
import { EcsInstanceServices } from '../../../domain/fleet/ecs-instance-services.ts';
import type { LaunchRequest } from '../../../domain/fleet/instance-launch.ts';
import { startEcs } from '../../../local/ecs/start-ecs.ts';
import { registerTaskDefinitions } from '../../../local/fleet.ts';
import { LOCAL } from '../../../local/settings.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, startRoad, stepsOnTable } from './steps-on-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const CAPACITY = 10;
const IMAGE = `sha256:${'1'.repeat(64)}`;
/** A process is started and ended meanwhile; by default a poll gives up after a second. */
const PATIENTLY = { timeout: 20_000 };
const entry = fileURLToPath(new URL('../workflows/idle-container.ts', import.meta.url));
const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const NAMES = ['create-service', 'remove-instance'] as const;

let on: StepsOnTable<(typeof NAMES)[number]>;
let road: Awaited<ReturnType<typeof startRoad>>;
let services: EcsInstanceServices;
let launches: DynamoInstanceLaunchStore;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-launch-'));
  closers.push(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  const { region, accountId, cluster, taskDefinitionPrefix } = LOCAL;
  const ecs = await startEcs({
    port: 0,
    directory,
    images: () => ({ entry, digest: IMAGE }),
    region,
    accountId,
  });
  closers.push(ecs.close);
  road = await startRoad(ecs.url);
  closers.push(road.close);
  on = await stepsOnTable(NAMES, {
    AWS_ENDPOINT_URL_ECS: road.url,
    ECS_CLUSTER: cluster,
    TASK_DEFINITION_PREFIX: taskDefinitionPrefix,
    SUBNET_IDS: 'subnet-1',
    SECURITY_GROUP_IDS: 'sg-1',
  });
  closers.push(on.close);
  const client = new ECSClient({});
  closers.push(() => client.destroy());
  const variables = {
    CONTROL_TABLE_NAME: on.table.tableName,
    OBJECT_STORE_URL: 'file:///nowhere',
    LISTEN_HOST: '127.0.0.1',
  };
  await registerTaskDefinitions(client, IMAGE, variables);
  services = new EcsInstanceServices(
    { cluster, taskDefinitionPrefix, subnets: ['subnet-1'], securityGroups: ['sg-1'] },
    client,
  );
  launches = new DynamoInstanceLaunchStore(on.table);
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** A launch that was accepted and has claimed its instance's name. */
const accepted = async (instanceId: string) => {
  const request: LaunchRequest = { instanceId, tier: 'standard' };
  const event = acceptedEvent({ kind: 'instance.launch', tenantId: '~fleet', graphId: null, request });
  await on.store.putEvent(event);
  const { operationId } = event;
  expect(await launches.claim({ ...request, operationId, capacity: CAPACITY }, AT)).toBe(true);
  return { operationId };
};

const undo = async ({ operationId }: { operationId: string }): Promise<void> => {
  await on.log.append(operationId, { type: 'compensating', message: 'Undoing', error });
  await expect
    .poll(
      () =>
        on.steps['remove-instance']({ operationId }).then(
          () => 'removed',
          () => 'going',
        ),
      PATIENTLY,
    )
    .toBe('removed');
  await on.log.append(operationId, { type: 'failed', message: 'Failed', error });
};

const isThere = async (instanceId: string) => (await services.existing([instanceId])).has(instanceId);

test.each([
  // The service is created after its undo, and removed again.
  { action: 'RegisterTaskDefinition', key: `${LOCAL.taskDefinitionPrefix}-inst-standard-1`, name: 'Refusal' },
  // ECS refuses it: the undo has taken its task definition out of use.
  { action: 'CreateService', key: 'inst-standard-1', name: 'Unknown' },
])('CreateService that meets its undo before its $action leaves no service', async ({ action, key, name }) => {
  const input = await accepted('inst-standard-1');
  road.heldUp.push({ action, key, meanwhile: () => undo(input) });
  await expect(on.steps['create-service'](input)).rejects.toMatchObject({ name });
  await expect.poll(() => isThere('inst-standard-1'), PATIENTLY).toBe(false);
  expect(await on.instances.get('inst-standard-1')).toBeUndefined();
});

test('CreateService that is late leaves the service of the operation that has the name now', async () => {
  const input = await accepted('inst-standard-2');
  const meanwhile = async () => {
    await undo(input);
    await on.steps['create-service'](await accepted('inst-standard-2'));
  };
  road.heldUp.push({ action: 'CreateService', key: 'inst-standard-2', meanwhile });
  await expect(on.steps['create-service'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await isThere('inst-standard-2')).toBe(true);
});

test('a launch that is undone when its instance has graphs waits for it no more', async () => {
  const instanceId = 'inst-standard-3';
  const { operationId } = await accepted(instanceId);
  await launches.awaitRegistration(instanceId, operationId, 'token');
  const task = { endpoint: 'http://x', image: 'i', taskArn: 't', capacity: CAPACITY, generation: 1 };
  await on.instances.register({ instanceId, tier: 'standard', ...task }, AT);
  await on.instances.takeSlot(instanceId, 'kg1', 'op_1');
  await on.steps['remove-instance']({ operationId });
  expect(await on.instances.get(instanceId)).toMatchObject({ state: 'ACTIVE', launch: { taskToken: null } });
});
