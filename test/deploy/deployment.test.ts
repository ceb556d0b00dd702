import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { STATE_MACHINES } from '../../domain/operation/workflows.ts';
import { awsQuery } from './aws-query.ts';

const { assembly } = inject('deployed');

const stackNames = async (): Promise<string[]> => {
  const { artifacts } = JSON.parse(await readFile(join(assembly, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type: string; properties?: { stackName?: string } }>;
  };
  return Object.values(artifacts).flatMap(({ type, properties }) =>
    type === 'aws:cloudformation:stack' ? (properties?.stackName ?? []) : [],
  );
};

test('every stack of the assembly is deployed', async () => {
  const names = await stackNames();
  expect(names.length).toBe((await readdir(assembly)).filter((file) => file.endsWith('.template.json')).length);
  for (const name of names) {
    expect(await awsQuery('cloudformation', { Action: 'DescribeStacks', StackName: name })).toContain(
      '<StackStatus>CREATE_COMPLETE</StackStatus>',
    );
  }
});

test('every workflow is there, by the name that functions know it by', async () => {
  const machines = await awsQuery('states', 'AWSStepFunctions.ListStateMachines');
  for (const name of STATE_MACHINES) expect(machines).toContain(`stateMachine:graphfleet-dev-${name}"`);
});
