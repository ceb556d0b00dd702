import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type ECSClient, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { InstanceEnvironment } from '../contract/environment.ts';
import { DynamoInstanceStore } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../domain/fleet/dynamo-tier-store.ts';
import { FLEET_TIERS, type FleetTier, type Tier } from '../domain/fleet/tier.ts';
import { LOCAL } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');
/** Below the directory that each service's process runs in. */
const WORK_DIRECTORY = 'work';
const LOOK_AGAIN_MS = 15;
const PATIENCE_MS = 30_000;

type InstanceVariables = Omit<
  InstanceEnvironment,
  'ECS_CONTAINER_METADATA_URI_V4' | 'LISTEN_PORT' | 'WORK_DIRECTORY' | 'INSTANCE_TIER'
>;

/** The digest of the instance's source: on one machine, a new version of it is a new image. */
export const instanceImageDigest = (): string => {
  const hash = createHash('sha256');
  for (const file of globSync('{instance,domain,contract}/**/*.ts', { cwd: ROOT }).sort()) {
    hash.update(file).update(readFileSync(join(ROOT, file)));
  }
  return `sha256:${hash.digest('hex')}`;
};

/** Registers what CDK deploys: a task definition for each tier's instances. */
export const registerTaskDefinitions = async (
  client: ECSClient,
  variables: InstanceVariables & Record<string, string>,
): Promise<void> => {
  for (const tier of FLEET_TIERS) {
    const environment = { ...variables, LISTEN_PORT: '0', INSTANCE_TIER: tier, WORK_DIRECTORY: WORK_DIRECTORY };
    await client.send(
      new RegisterTaskDefinitionCommand({
        family: taskDefinitionFamily(tier),
        containerDefinitions: [
          {
            name: 'instance',
            image: LOCAL.image,
            environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
          },
        ],
      }),
    );
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
 * @throws {Error} they have not within 30 s
 */
export const whenInstancesAreActive = async (client: DynamoDBClient, startedAt: string): Promise<void> => {
  const instances = new DynamoInstanceStore(tableOf(client));
  for (const { tier, minInstances } of await new DynamoTierStore(tableOf(client)).list()) {
    const active = async () =>
      (await instances.listByTier(tier, 'ACTIVE')).filter(({ heartbeatAt }) => heartbeatAt >= startedAt).length;
    while ((await active()) < minInstances) {
      if (Date.now() > Date.parse(startedAt) + PATIENCE_MS) {
        throw new Error(`The instances of tier "${tier}" do not start; ecs/logs in the data directory tells why.`);
      }
      await sleep(LOOK_AGAIN_MS);
    }
  }
};
