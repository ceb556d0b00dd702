import { expect, test } from 'vitest';
import {
  FUNCTIONS,
  type FunctionDefinition,
  type FunctionName,
  type FunctionVariables,
} from '../../contract/functions.ts';

import { deployed, ofType, synthesizedTemplates } from './synthesis.ts';

const { service } = synthesizedTemplates();
const functions = new Map(
  ofType(service.resources, 'AWS::Lambda::Function').map(([id, { Properties }]) => [
    String(Properties['FunctionName']).replace('graphfleet-dev-', ''),
    { id, properties: Properties },
  ]),
);
const names = Object.keys(FUNCTIONS) as FunctionName[];

test('every function of the contract is deployed, and no other', () => {
  expect([...functions.keys()].sort()).toEqual([...names].sort());
});

test('every function runs on Node 24, arm64 and is traced', () => {
  for (const { properties } of functions.values()) {
    expect(properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      TracingConfig: { Mode: 'Active' },
    });
  }
});

test('every function has a role of its own, and writes to the log of its folder, which ends', () => {
  const roles = [...functions.values()].map(({ properties }) => JSON.stringify(properties['Role']));
  expect(new Set(roles).size).toBe(functions.size);
  for (const [name, { properties }] of functions) {
    const { LogGroup } = properties['LoggingConfig'] as { LogGroup: { Ref: string } };
    expect(service.resources[LogGroup.Ref]?.Properties).toMatchObject({
      LogGroupName: `/graphfleet/dev/${FUNCTIONS[name as FunctionName].folder}`,
      RetentionInDays: 14,
    });
  }
});

test.each(names)('%s has the timeout and the network of its contract, and parses its environment', (name) => {
  const { timeoutSeconds, reachesInstances, environment }: FunctionDefinition = FUNCTIONS[name];
  const properties = functions.get(name)?.properties ?? {};
  expect(properties['Timeout']).toBe(timeoutSeconds);
  expect('VpcConfig' in properties).toBe(reachesInstances === true);

  const { Variables = {} } = (properties['Environment'] ?? {}) as { Variables?: Record<string, unknown> };
  const variables = Object.fromEntries(
    // What the library of logs reads by itself is every function's.
    Object.entries(Variables)
      .filter(([variable]) => !variable.startsWith('POWERTOOLS_'))
      .map(([variable, value]) => [variable, deployed(value, service.resources)]),
  );
  expect(environment.strict().safeParse(variables)).toMatchObject({ success: true });
});

test('a variable that a function parses and nobody sets does not compile', () => {
  // @ts-expect-error: the cluster, its tasks and its network are missing
  const variables: FunctionVariables = { CONTROL_TABLE_NAME: 'table' };
  expect(FUNCTIONS['create-service'].environment.safeParse(variables).success).toBe(false);
});

/** The ARN of a function's alias, in the template of its own stack. */
const liveArnOf = (name: FunctionName): unknown => {
  const id = functions.get(name)?.id;
  const [alias] = ofType(service.resources, 'AWS::Lambda::Alias').filter(
    ([, { Properties }]) => (Properties['FunctionName'] as { Ref: string }).Ref === id,
  );
  return { Ref: alias?.[0] };
};

const rulesWith = (property: string) =>
  ofType(service.resources, 'AWS::Events::Rule').flatMap(([, { Properties }]) =>
    property in Properties ? [Properties] : [],
  );

test('the functions that run by themselves do so as often as their contract says', () => {
  const scheduled = names.filter((name) => 'everyMinutes' in FUNCTIONS[name]);
  const rules = rulesWith('ScheduleExpression');
  expect(rules).toHaveLength(scheduled.length);
  for (const name of scheduled) {
    expect(rules).toContainEqual(
      expect.objectContaining({
        ScheduleExpression: 'rate(1 minute)',
        State: 'ENABLED',
        Targets: [
          expect.objectContaining({
            Arn: liveArnOf(name),
            RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
          }),
        ],
      }),
    );
  }
});

test('a run that is missed or fails is not repeated: the next one does its work', () => {
  const scheduled = names.filter((name) => 'everyMinutes' in FUNCTIONS[name]);
  const configured = ofType(service.resources, 'AWS::Lambda::EventInvokeConfig').map(
    ([, { Properties }]) => Properties,
  );
  expect(configured).toHaveLength(scheduled.length);
  for (const name of scheduled) {
    expect(configured).toContainEqual({
      FunctionName: { Ref: functions.get(name)?.id },
      // The name in the ARN of the alias, so the alias is there before.
      Qualifier: { 'Fn::Select': [7, { 'Fn::Split': [':', liveArnOf(name)] }] },
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
  }
});

test("a function that is to know when an execution is over hears of this stage's machines only, and not of success", () => {
  const machines = ofType(service.resources, 'AWS::StepFunctions::StateMachine').map(([id]) => ({ Ref: id }));
  const listening = names.filter((name) => 'onExecutionOver' in FUNCTIONS[name]);
  expect(listening).toContain('settle-operation');
  const rules = rulesWith('EventPattern');
  expect(rules).toHaveLength(listening.length);
  for (const [at, name] of listening.entries()) {
    expect(rules[at]).toMatchObject({
      State: 'ENABLED',
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: machines, status: ['FAILED', 'TIMED_OUT', 'ABORTED'], name: [{ prefix: 'op_' }] },
      },
      Targets: [
        {
          Id: 'Target0',
          Arn: liveArnOf(name),
          RetryPolicy: { MaximumRetryAttempts: 4, MaximumEventAgeInSeconds: 600 },
        },
      ],
    });
  }
});
