import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  ClientException,
  type ContainerDefinition,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { InstanceEnvironment } from '../contract/environment.ts';
import { DynamoInstanceStore } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../domain/fleet/dynamo-tier-store.ts';
import type { Instance } from '../domain/fleet/instance.ts';
import { FLEET_TIERS, type FleetTier, type Tier } from '../domain/fleet/tier.ts';
import { LOCAL } from './settings.ts';

/** Below the directory that each service's process runs in. */
const WORK_DIRECTORY = 'work';
/** An instance ends by itself within 25 s of SIGTERM. */
const STOP_SECONDS = 30;
/** An instance that works hard must not be taken for a dead one: half a minute of silence. */
const HEALTH_CHECK = { interval: 5, timeout: 5, retries: 5, startPeriod: 60 };
/** One machine has the instances of all tiers: each has the cache and the memory of a small one. */
const SHARES = { CACHE_BYTES: String(10 * 2 ** 30), MEMORY_BYTES: String(4 * 2 ** 30) };
/** What deployed ones have besides: without effect here, but whoever registers a copy passes the roles and tags it. */
const AS_DEPLOYED = {
  taskRoleArn: `arn:aws:iam::${LOCAL.accountId}:role/graphfleet-instance`,
  executionRoleArn: `arn:aws:iam::${LOCAL.accountId}:role/graphfleet-instance-execution`,
  tags: [{ key: 'graphfleet:stage', value: 'local' }],
};
const LOOK_AGAIN_MS = 15;
const PATIENCE_MS = 60_000;

type InstanceVariables = Omit<
  InstanceEnvironment,
  | 'ECS_CONTAINER_METADATA_URI_V4'
  | 'ECS_AGENT_URI'
  | 'INSTANCE_GENERATION'
  | 'LISTEN_PORT'
  | 'WORK_DIRECTORY'
  | 'INSTANCE_TIER'
  | keyof typeof SHARES
>;

/**
 * Registers what CDK deploys: a task definition for each tier, from which the services of its instances are made. One
 * that is as it was gets no new revision.
 */
export const registerTaskDefinitions = async (
  client: ECSClient,
  imageDigest: string,
  variables: InstanceVariables & Record<string, string>,
): Promise<void> => {
  for (const tier of FLEET_TIERS) {
    const environment = { ...variables, ...SHARES, LISTEN_PORT: '0', INSTANCE_TIER: tier, WORK_DIRECTORY };
    const family = taskDefinitionFamily(tier);
    const container = {
      name: 'instance',
      image: `${LOCAL.imageRepository}@${imageDigest}`,
      environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
      stopTimeout: STOP_SECONDS,
      healthCheck: { command: ['CMD', 'GET', '/health'], ...HEALTH_CHECK },
    };
    const present = await newestContainer(client, family);
    if (isDeepStrictEqual(present, container)) continue;
    await client.send(new RegisterTaskDefinitionCommand({ family, containerDefinitions: [container], ...AS_DEPLOYED }));
  }
};

const newestContainer = async (client: ECSClient, family: string): Promise<ContainerDefinition | undefined> => {
  try {
    const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: family }));
    return taskDefinition?.containerDefinitions?.[0];
  } catch (error) {
    if (error instanceof ClientException) return undefined;
    throw error;
  }
};

const taskDefinitionFamily = (tier: FleetTier): string => `${LOCAL.taskDefinitionPrefix}-${tier}`;

const tableOf = (client: DynamoDBClient) => ({
  documents: DynamoDBDocumentClient.from(client),
  tableName: LOCAL.tableName,
});

/** Sets what is wanted of tiers, as an operator would. */
export const setTiers = async (client: DynamoDBClient, tiers: readonly Tier[]): Promise<void> => {
  const store = new DynamoTierStore(tableOf(client));
  for (const tier of tiers) await store.put(tier);
};

/**
 * Resolves when as many instances as each tier wants have registered since `startedAt`.
 * @throws {Error} they have not within a minute
 */
export const whenInstancesAreActive = async (client: DynamoDBClient, startedAt: string): Promise<void> => {
  const instances = new DynamoInstanceStore(tableOf(client));
  for (const { tier, minInstances } of await new DynamoTierStore(tableOf(client)).list()) {
    // One that is drained, cycled or in quarantine is in somebody's hands, and is not to be waited for.
    const isThere = ({ state, heartbeatAt }: Instance) =>
      state === 'ACTIVE' ? heartbeatAt >= startedAt : state !== 'LAUNCHING';
    while ((await instances.listAll(tier)).filter(isThere).length < minInstances) {
      if (Date.now() > Date.parse(startedAt) + PATIENCE_MS) {
        throw new Error(`The instances of tier "${tier}" do not start; ecs/logs in the data directory tells why.`);
      }
      await sleep(LOOK_AGAIN_MS);
    }
  }
};
