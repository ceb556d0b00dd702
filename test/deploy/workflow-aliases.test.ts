import {
  CreateStateMachineCommand,
  DescribeStateMachineAliasCommand,
  SFNClient,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test } from 'vitest';
import { LIVE_ALIAS } from '../../domain/operation/workflows.ts';
import { startMiniStack } from '../fixtures/ministack.ts';
import { WorkflowAliases } from './workflow-aliases.ts';

const definition = (Comment: string) =>
  JSON.stringify({ Comment, StartAt: 'End', States: { End: { Type: 'Succeed' } } });

test('the alias of a workflow moves to each definition that is deployed, and back, and stays otherwise', async () => {
  const miniStack = await startMiniStack();
  onTestFinished(() => miniStack.stop());
  const { endpoint, region } = miniStack;
  const client = new SFNClient({ endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  const roleArn = 'arn:aws:iam::123456789012:role/workflows';
  const { stateMachineArn } = await client.send(
    new CreateStateMachineCommand({ name: 'workflow', definition: definition('before'), roleArn }),
  );
  const aliases = new WorkflowAliases(miniStack);
  const versionOfAlias = async () => {
    await aliases.move();
    const { routingConfiguration } = await client.send(
      new DescribeStateMachineAliasCommand({ stateMachineAliasArn: `${stateMachineArn}:${LIVE_ALIAS}` }),
    );
    return routingConfiguration;
  };
  const to = (version: number) => [{ stateMachineVersionArn: `${stateMachineArn}:${version}`, weight: 100 }];

  expect(await versionOfAlias()).toEqual(to(1));
  expect(await versionOfAlias()).toEqual(to(1));
  await client.send(new UpdateStateMachineCommand({ stateMachineArn, definition: definition('after') }));
  expect(await versionOfAlias()).toEqual(to(2));
  await client.send(new UpdateStateMachineCommand({ stateMachineArn, definition: definition('before') }));
  expect(await versionOfAlias()).toEqual(to(3));
});
