import aslValidator from 'asl-validator';
import { App, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { describe, expect, test } from 'vitest';
import { functionReference } from '../../contract/functions.ts';
import { pascalCase } from '../../lib/pascal-case.ts';
import { OperationWorkflow } from '../../lib/service/operation-workflow.ts';
import { MACHINES } from '../../statemachines/machines.ts';
import { ofType, statementsIn, synthesizedTemplates } from './synthesis.ts';

const { service } = synthesizedTemplates();
const machines = ofType(service.resources, 'AWS::StepFunctions::StateMachine').map(([, machine]) => machine.Properties);

type Deployed = { DefinitionString: string; DefinitionSubstitutions: Record<string, unknown> };
const deployed = MACHINES.map((machine) => {
  const found = machines.find(({ StateMachineName }) => StateMachineName === `graphfleet-dev-${machine.name}`);
  const { DefinitionString, DefinitionSubstitutions } = found as Deployed;
  const named = [...new Set([...DefinitionString.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name))].sort();
  return { ...machine, text: DefinitionString, substitutions: DefinitionSubstitutions, named };
});

test('every machine is deployed as a standard workflow with tracing, and logs without the data of executions', () => {
  expect(machines.map(({ StateMachineName }) => StateMachineName).sort()).toEqual(
    MACHINES.map(({ name }) => `graphfleet-dev-${name}`).sort(),
  );
  for (const properties of machines) {
    expect(properties).toMatchObject({
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
    });
  }
});

test('the log of machines is one that the account lets all of them write to, however many there are', () => {
  const name = '/aws/vendedlogs/states/graphfleet-dev';
  const [[logId] = [], ...others] = ofType(service.resources, 'AWS::Logs::LogGroup').filter(
    ([, { Properties }]) => Properties['LogGroupName'] === name,
  );
  expect(others).toEqual([]);
  for (const { LoggingConfiguration } of machines) {
    expect(LoggingConfiguration).toMatchObject({
      Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: { 'Fn::GetAtt': [logId, 'Arn'] } } }],
    });
  }
});

describe.each(deployed)('$name', ({ name, definition, text, substitutions, named }) => {
  test('is deployed as it is committed, and nothing in it stays unsubstituted', () => {
    expect(JSON.parse(text)).toEqual(definition);
    expect(Object.keys(substitutions).sort()).toEqual(named);
    const left = named.reduce((rest, reference) => rest.replaceAll(`\${${reference}}`, 'arn:aws:lambda:…'), text);
    expect(left).not.toContain('${');
  });

  test('is valid, and the validator knows JSONata', () => {
    const parsed = JSON.parse(text) as { StartAt: string; States: Record<string, object> };
    expect(aslValidator(parsed)).toMatchObject({ isValid: true });
    const withPath = structuredClone(parsed);
    Object.assign(withPath.States[withPath.StartAt] ?? {}, { InputPath: '$.graphId' });
    expect(aslValidator(withPath)).toMatchObject({ isValid: false });
  });

  test('may invoke just the functions that it names', () => {
    const arns = statementsIn(service.resources)
      .filter(({ of, Action }) => of.startsWith(`${pascalCase(name)}Role`) && Action === 'lambda:InvokeFunction')
      .flatMap(({ Resource }) => Resource);
    expect(arns).toHaveLength(named.length);
    expect(arns).toEqual(expect.arrayContaining(Object.values(substitutions)));
    expect(named).toContain(functionReference('begin-undo'));
    expect(named).not.toContain(functionReference('create-graph'));
  });
});
test('a machine that names an unknown function is not synthesized', () => {
  const stack = new Stack(new App(), 'Stack');
  const log = new LogGroup(stack, 'Log');
  const props = { name: 'provision-graph', namePrefix: 'p', functions: {}, log, canary: null, rollbackAlarms: [] };
  expect(() => new OperationWorkflow(stack, 'Workflow', props)).toThrow(/names "TakeSlotFunction"/);
});
