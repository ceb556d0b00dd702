import {
  DeleteServiceCommand,
  ECSClient,
  ListClustersCommand,
  ListServicesCommand,
  waitUntilServicesInactive,
} from '@aws-sdk/client-ecs';
import { expect, inject, test } from 'vitest';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { ownTarget } from '../e2e/target.ts';
import { awsQuery } from './aws-query.ts';
import { cdk } from './cdk.ts';

const { assembly, endpoint, environment } = inject('deployed');
const { url, tokens } = ownTarget();
const ecs = new ECSClient({
  endpoint,
  region: environment['AWS_REGION'] ?? '',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

const deployedStacks = async (): Promise<string[]> => {
  const stacks = await awsQuery('cloudformation', { Action: 'DescribeStacks' });
  return [...stacks.matchAll(/<StackName>(graphfleet-[^<]+)<\/StackName>/g)].map(([, name = '']) => name);
};

const destroy = () => cdk(['destroy', '--all', '--force', '--app', assembly], environment);

/** Seven stacks go one after another, each seen every few seconds. */
const PATIENCE_MS = 300_000;
const SERVICES_WAIT_SECONDS = 60;

// As the guide has it. This file runs last: nothing is there to call afterwards.

/** AWS deletes no cluster that has services; the emulator does. */
test('with tiers that want no instance, the services of instances can be deleted, and none is left', async () => {
  const { clusterArns = [] } = await ecs.send(new ListClustersCommand({}));
  const cluster = clusterArns.find((arn) => arn.includes('/graphfleet-dev-fleet-'));
  const serviceArns = async () => (await ecs.send(new ListServicesCommand({ cluster }))).serviceArns ?? [];
  for (const tier of FLEET_TIERS) {
    const response = await fetch(`${url}/v1/fleet/tiers/${tier}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${tokens.operator}`, 'content-type': 'application/json' },
      body: '{"minInstances":0,"maxInstances":0}',
    });
    expect(response.status).toBe(200);
  }
  const services = await serviceArns();
  expect(services.length).toBeGreaterThanOrEqual(FLEET_TIERS.length);
  for (const service of services) await ecs.send(new DeleteServiceCommand({ cluster, service, force: true }));
  await waitUntilServicesInactive({ client: ecs, maxWaitTime: SERVICES_WAIT_SECONDS }, { cluster, services });
  expect(await serviceArns()).toEqual([]);
});

test(
  'a teardown leaves the stack of the data, which is protected, and takes every other',
  async () => {
    await expect(destroy()).rejects.toThrow(/TerminationProtection is enabled/);
    expect(await deployedStacks()).toEqual(['graphfleet-dev-data']);
  },
  PATIENCE_MS,
);

test(
  'with the protection taken off, the table, the buckets, the key, the secret and the images stay',
  async () => {
    await awsQuery('cloudformation', {
      Action: 'UpdateTerminationProtection',
      StackName: 'graphfleet-dev-data',
      EnableTerminationProtection: 'false',
    });
    await destroy();
    expect(await deployedStacks()).toEqual([]);
    expect(await awsQuery('dynamodb', 'DynamoDB_20120810.ListTables')).toContain('graphfleet-dev-data-ControlTable');
    expect(await awsQuery('secretsmanager', 'secretsmanager.ListSecrets')).toContain(
      'graphfleet-dev-data-WebhookSecrets',
    );
    expect(await awsQuery('kms', 'TrentService.ListKeys')).toContain('"KeyId"');
    expect(await awsQuery('ecr', 'AmazonEC2ContainerRegistry_V20150921.DescribeRepositories')).toContain(
      '"graphfleet-dev-instance"',
    );
    expect(await (await fetch(endpoint)).text()).toContain('graphfleet-dev-data-snapshots');
  },
  PATIENCE_MS,
);
