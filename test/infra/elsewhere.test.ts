import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { buildApplication } from '../../lib/application.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { newApp, ofType, type Resource, statementsIn } from './synthesis.ts';

const arnOf = (name: string) => `arn:aws:secretsmanager:eu-central-1:000000000000:secret:${name}-AbCdEf`;
const selector = { repositoryLocationName: 'jobs', repositoryName: '__repository__', jobName: 'nightly_export' };

const { steps, workflows, apiFunctions } = buildApplication(
  newApp(),
  {
    ...CONFIGURATIONS.dev,
    dagster: {
      url: 'https://dagster.example.com',
      jobs: { 'nightly-export': selector },
      tokenSecretArn: arnOf('dagster'),
    },
    lineage: { url: 'https://catalogue.example.com/api/v1/lineage', tokenSecretArn: arnOf('lineage') },
  },
  PLACEHOLDER_IMAGE,
);
const resources = Object.assign(
  {},
  ...[steps, workflows, apiFunctions].map(
    (stack) => Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>,
  ),
) as Record<string, Resource>;

const STEPS = ['await-external-job', 'start-external-job', 'terminate-external-job'];

/** The functions that have a variable, by name. */
const withVariable = (variable: string): string[] =>
  ofType(resources, 'AWS::Lambda::Function')
    .filter(([, { Properties }]) => {
      const { Variables = {} } = (Properties['Environment'] ?? {}) as { Variables?: Record<string, unknown> };
      return variable in Variables;
    })
    .map(([, { Properties }]) => String(Properties['FunctionName']).replace('graphfleet-dev-', ''))
    .sort();

/** The functions whose roles may read a secret. */
const readersOf = (arn: string): string[] =>
  statementsIn(resources)
    .filter(({ Action, Resource }) => Action === 'secretsmanager:GetSecretValue' && Resource === arn)
    .map(({ of }) => of.replace(/Function.*/, ''))
    .sort();

test('jobs are known to the API and to the steps, their token to the steps alone', () => {
  expect(withVariable('DAGSTER')).toEqual([...STEPS, 'run-job'].sort());
  expect(withVariable('DAGSTER_TOKEN')).toEqual(STEPS);
  expect(readersOf(arnOf('dagster'))).toEqual(['AwaitExternalJob', 'StartExternalJob', 'TerminateExternalJob']);
});

test('the token of the catalogue is known to what delivers alone', () => {
  expect(withVariable('LINEAGE_TOKEN')).toEqual(['deliver-lineage']);
  expect(readersOf(arnOf('lineage'))).toEqual(['DeliverLineage']);
});
