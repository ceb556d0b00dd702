import { expect, test } from 'vitest';
import { EVERYTHING } from './everything.ts';
import { ofType, statementsIn, synthesizedEverything } from './synthesis.ts';

const { Steps, Workflows, ApiFunctions } = synthesizedEverything();
const resources = { ...Steps?.Resources, ...Workflows?.Resources, ...ApiFunctions?.Resources };

const STEPS = ['await-external-job', 'start-external-job', 'terminate-external-job'];

/** The functions that have a variable, by name. */
const withVariable = (variable: string): string[] =>
  ofType(resources, 'AWS::Lambda::Function')
    .filter(([, { Properties }]) => {
      const { Variables = {} } = (Properties['Environment'] ?? {}) as { Variables?: Record<string, unknown> };
      return variable in Variables;
    })
    .map(([, { Properties }]) => String(Properties['FunctionName']).replace('graphfleet-prod-', ''))
    .sort();

/** The functions whose roles may read a secret. */
const readersOf = (arn: string | null | undefined): string[] =>
  statementsIn(resources)
    .filter(({ Action, Resource }) => Action === 'secretsmanager:GetSecretValue' && Resource === arn)
    .map(({ of }) => of.replace(/Function.*/, ''))
    .sort();

test('jobs are known to the API and to the steps, their token to the steps alone', () => {
  expect(withVariable('DAGSTER')).toEqual([...STEPS, 'run-job'].sort());
  expect(withVariable('DAGSTER_TOKEN')).toEqual(STEPS);
  expect(readersOf(EVERYTHING.dagster?.tokenSecretArn)).toEqual([
    'AwaitExternalJob',
    'StartExternalJob',
    'TerminateExternalJob',
  ]);
});

test('the token of the catalogue is known to what delivers alone', () => {
  expect(withVariable('LINEAGE_TOKEN')).toEqual(['deliver-lineage']);
  expect(readersOf(EVERYTHING.lineage?.tokenSecretArn)).toEqual(['DeliverLineage']);
});
