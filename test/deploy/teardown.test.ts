import { expect, inject, test } from 'vitest';
import { awsQuery } from './aws-query.ts';
import { cdk } from './cdk.ts';

const { assembly, environment } = inject('deployed');

const deployedStacks = async (): Promise<string[]> => {
  const stacks = await awsQuery('cloudformation', { Action: 'DescribeStacks' });
  return [...stacks.matchAll(/<StackName>(graphfleet-[^<]+)<\/StackName>/g)].map(([, name = '']) => name);
};

const destroy = () => cdk(['destroy', '--all', '--force', '--app', assembly], environment);

/** Seven stacks go one after another, each seen every few seconds. */
const PATIENCE_MS = 300_000;

/** Runs last: nothing is there to call afterwards. */
test(
  'a teardown leaves the stack of the data, which is protected, and takes every other',
  async () => {
    await expect(destroy()).rejects.toThrow(/TerminationProtection is enabled/);
    expect(await deployedStacks()).toEqual(['graphfleet-dev-data']);
  },
  PATIENCE_MS,
);

test(
  'with the protection taken off, the table, the buckets, the key and the secret stay',
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
    const { endpoint } = inject('deployed');
    expect(await (await fetch(endpoint)).text()).toContain('graphfleet-dev-data-snapshots');
  },
  PATIENCE_MS,
);
