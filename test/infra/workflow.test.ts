import aslValidator from 'asl-validator';
import { App, Stack } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { expect, test } from 'vitest';
import { functionReference } from '../../contract/functions.ts';
import { OperationWorkflow } from '../../lib/service/operation-workflow.ts';
import { MACHINES } from '../../statemachines/machines.ts';
import { ofType, synthesizeTemplates } from './synthesis.ts';

const { service } = synthesizeTemplates();
const machines = ofType(service.resources, 'AWS::StepFunctions::StateMachine').map(([, machine]) => machine.Properties);

type Deployed = { DefinitionString: string; DefinitionSubstitutions: Record<string, unknown> };
const [machine] = machines as [Deployed];
const named = [...new Set([...machine.DefinitionString.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name))].sort();

test('every machine is deployed as a standard workflow with tracing, and logs without the data of executions', () => {
  expect(machines.map(({ StateMachineName }) => StateMachineName)).toEqual(
    MACHINES.map(({ name }) => `graphfleet-dev-${name}`),
  );
  for (const properties of machines) {
    expect(properties).toMatchObject({
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
    });
  }
});

test('the deployed definition is the committed one, and nothing in it stays unsubstituted', () => {
  expect(JSON.parse(machine.DefinitionString)).toEqual(MACHINES[0].definition);
  expect(Object.keys(machine.DefinitionSubstitutions).sort()).toEqual(named);
  const left = Object.keys(machine.DefinitionSubstitutions).reduce(
    (text, name) => text.replaceAll(`\${${name}}`, 'arn:aws:lambda:…'),
    machine.DefinitionString,
  );
  expect(left).not.toContain('${');
});

test('the definition is valid, and the validator knows JSONata', () => {
  const definition = JSON.parse(machine.DefinitionString) as { States: Record<string, object> };
  expect(aslValidator(definition)).toMatchObject({ isValid: true });
  const withPath = structuredClone(definition);
  Object.assign(withPath.States['TakeSlot'] ?? {}, { InputPath: '$.graphId' });
  expect(aslValidator(withPath)).toMatchObject({ isValid: false });
});

test('the machine may invoke just the functions that it names', () => {
  const arns = ofType(service.resources, 'AWS::IAM::Policy')
    .filter(([id]) => id.startsWith('ProvisionGraph'))
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement)
    .filter(({ Action }) => Action === 'lambda:InvokeFunction')
    .flatMap(({ Resource }) => Resource);
  const substituted = Object.values(machine.DefinitionSubstitutions);
  expect(arns).toHaveLength(substituted.length);
  expect(arns).toEqual(expect.arrayContaining(substituted));
  expect(named).toContain(functionReference('take-slot'));
  expect(named).not.toContain(functionReference('create-graph'));
});
type Statement = { Action: unknown; Resource: unknown };

test('a machine that names an unknown function is not synthesized', () => {
  const stack = new Stack(new App(), 'Stack');
  const props = { name: 'provision-graph', namePrefix: 'p', functions: {}, logRetention: RetentionDays.ONE_DAY };
  expect(() => new OperationWorkflow(stack, 'Workflow', props)).toThrow(/names "TakeSlotFunction"/);
});
