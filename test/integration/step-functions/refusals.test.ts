import { InvalidDefinition } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { startHarness } from './harness.ts';

type Fields = Record<string, unknown>;

const machine = (States: Fields, more: Fields = {}) => ({ QueryLanguage: 'JSONata', StartAt: 'A', States, ...more });
const state = (more: Fields) => machine({ A: { Type: 'Pass', End: true, ...more } });
const task = (more: Fields) => state({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', ...more });
const inner = { StartAt: 'B', States: { B: { Type: 'Pass', End: true } } };
const map = (more: Fields) => state({ Type: 'Map', ItemProcessor: inner, ...more });
const choice = (rule: Fields) =>
  machine({ A: { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'A', ...rule }] } });

const refusals: [name: string, definition: object, says: RegExp][] = [
  ['a machine that says no query language', { StartAt: 'A', States: {} }, /QueryLanguage/],
  ['a machine in JSONPath', { ...state({}), QueryLanguage: 'JSONPath' }, /QueryLanguage/],
  ['a state in JSONPath', state({ QueryLanguage: 'JSONPath' }), /State 'A': field 'QueryLanguage'/],
  ['a state type that there is not', state({ Type: 'Nap' }), /State 'A': this Type/],
  ...['InputPath', 'OutputPath', 'ResultPath', 'Parameters', 'ResultSelector', 'Result'].map(
    (field): [string, object, RegExp] => [
      `a state with ${field}`,
      state({ [field]: '$' }),
      new RegExp(`State 'A': field '${field}' is not supported`),
    ],
  ),
  ['a Task with Credentials', task({ Credentials: {} }), /State 'A': field 'Credentials' is not supported/],
  ['a Task with TimeoutSecondsPath', task({ TimeoutSecondsPath: '$' }), /'TimeoutSecondsPath' is not supported/],
  ['a Map over ItemsPath', map({ ItemsPath: '$' }), /State 'A': field 'ItemsPath' is not supported/],
  ['a Map with an ItemReader', map({ ItemReader: {} }), /field 'ItemReader' is not supported/],
  ['a Map with an ItemBatcher', map({ ItemBatcher: {} }), /field 'ItemBatcher' is not supported/],
  ['a Map with a ResultWriter', map({ ResultWriter: {} }), /field 'ResultWriter' is not supported/],
  [
    'a Map that tolerates failures',
    map({ ToleratedFailureCount: 1 }),
    /field 'ToleratedFailureCount' is not supported/,
  ],
  [
    'a distributed Map',
    map({ ItemProcessor: { ...inner, ProcessorConfig: { Mode: 'DISTRIBUTED' } } }),
    /State 'A': field 'ItemProcessor.ProcessorConfig.Mode'/,
  ],
  ['a Choice by Variable', choice({ Variable: '$.a' }), /field 'Choices.0.Variable' is not supported/],
  ['a Condition that is only text', choice({ Condition: 'true' }), /field 'Choices.0.Condition'/],
  ['a Condition that is no expression', choice({ Condition: true }), /field 'Choices.0.Condition'/],
  ['a retrier with a field it has not', task({ Retry: [{ ErrorEquals: ['X'], Foo: 1 }] }), /'Retry.0.Foo'/],
  ['a retrier with a jitter it has not', task({ Retry: [{ ErrorEquals: ['X'], JitterStrategy: 'SOME' }] }), /Jitter/],
  ['a catcher with ResultPath', task({ Catch: [{ ErrorEquals: ['X'], Next: 'A', ResultPath: '$' }] }), /ResultPath/],
  [
    'States.ALL beside others',
    task({ Retry: [{ ErrorEquals: ['States.ALL', 'X'] }] }),
    /State 'A': States.ALL must stand alone, in the last rule of Retry/,
  ],
  [
    'an activity',
    task({ Resource: 'arn:aws:states:eu-west-1:1:activity:a' }),
    /State 'A': Resource 'arn:.*activity:a'/,
  ],
  ['an old sync', task({ Resource: 'arn:aws:states:::states:startExecution.sync' }), /startExecution.sync' is not/],
  ['a service it has not', task({ Resource: 'arn:aws:states:::sqs:sendMessage' }), /sqs:sendMessage' is not supported/],
  [
    'an SDK action that there is not',
    task({ Resource: 'arn:aws:states:::aws-sdk:dynamodb:eatItem' }),
    /aws-sdk:dynamodb:eatItem' is not supported/,
  ],
  ['an SDK service it has not', task({ Resource: 'arn:aws:states:::aws-sdk:s3:getObject' }), /s3:getObject' is not/],
  [
    'an argument that the function call has not',
    task({ Arguments: { FunctionName: 'f', Qualifier: '1' } }),
    /field 'Arguments.Qualifier' is not supported/,
  ],
  [
    'an argument that the SDK action has not',
    task({ Resource: 'arn:aws:states:::aws-sdk:ecs:updateService', Arguments: { service: 's' } }),
    /field 'Arguments.service' is not supported/,
  ],
  ['a StartAt that is not a state', { ...state({}), StartAt: 'B' }, /StartAt names 'B'/],
  ['a Next that is not a state', machine({ A: { Type: 'Pass', Next: 'B' } }), /State 'A': Next names 'B'/],
  [
    'a Default that is not a state',
    machine({ A: { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'A' }], Default: 'B' } }),
    /State 'A': Default names 'B'/,
  ],
  ['a Catch that leads nowhere', task({ Catch: [{ ErrorEquals: ['X'], Next: 'B' }] }), /Catch\[0\].Next names 'B'/],
  [
    'a Next that leads out of a Map',
    map({ ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Pass', Next: 'A' } } } }),
    /State 'B': Next names 'A'/,
  ],
  [
    'a state that nothing leads to',
    machine({ A: { Type: 'Pass', End: true }, B: { Type: 'Pass', End: true } }),
    /State 'B': no state leads to it/,
  ],
  [
    'a heartbeat that is slower than the timeout',
    task({ TimeoutSeconds: 5, HeartbeatSeconds: 5 }),
    /State 'A': HeartbeatSeconds must be less than TimeoutSeconds/,
  ],
  ['a state with neither Next nor End', machine({ A: { Type: 'Pass' } }), /State 'A': needs either Next or End/],
  ['a state with Next and End', state({ Next: 'A' }), /State 'A': needs either Next or End/],
  ['a Wait for nothing', state({ Type: 'Wait' }), /State 'A': needs either Seconds or Timestamp/],
  ['a Wait for both', state({ Type: 'Wait', Seconds: 1, Timestamp: 'x' }), /needs either Seconds or Timestamp/],
  ['a negative timeout', task({ TimeoutSeconds: -1 }), /State 'A': field 'TimeoutSeconds' Too small/],
  [
    'a placeholder that was not substituted',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is the point
    task({ Arguments: { FunctionName: '${PlaceGraph}' } }),
    /State 'A': field 'Arguments.FunctionName' has an unsubstituted \$\{PlaceGraph\}/,
  ],
  [
    'an expression that is no JSONata',
    state({ Output: '{% 1 + %}' }),
    /State 'A': field 'Output' '1 \+' is not JSONata/,
  ],
  ['an expression that is half open', state({ Output: '{% 1' }), /State 'A': field 'Output' has only one half/],
  ['$eval', state({ Output: "{% $eval('1') %}" }), /State 'A': field 'Output' \$eval is not available/],
  [
    'a problem deep inside, by the name of its own state',
    map({ ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Pass', End: true, Output: '{% ( %}' } } } }),
    /State 'B': field 'Output'/,
  ],
  ['a variable named states', state({ Assign: { states: 1 } }), /'states' is reserved/],
  ['a variable with an odd name', state({ Assign: { 'a-b': 1 } }), /'a-b' is not a variable name/],
  [
    'a variable of an outer scope, assigned inside',
    map({
      Assign: { x: 1 },
      ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Pass', End: true, Assign: { x: 2 } } } },
    }),
    /'x' is a variable of an outer scope/,
  ],
];

test.each(refusals)('%s is refused by name', async (_name, definition, says) => {
  await using harness = await startHarness();
  const refused = harness.create('refused', definition);
  await expect(refused).rejects.toThrow(InvalidDefinition);
  await expect(refused).rejects.toThrow(says);
});

test('all that is wrong is told at once', async () => {
  await using harness = await startHarness();
  const definition = machine({ A: { Type: 'Pass', Next: 'B' }, C: { Type: 'Pass' } });
  await expect(harness.create('refused', definition)).rejects.toThrow(/names 'B'.*'C': no state.*'C': needs either/);
});

test('a JSONata group that looks like a placeholder is not one', async () => {
  await using harness = await startHarness();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what looks like a placeholder is the point
  const machineArn = await harness.create('groups', state({ Output: "{% $states.input.list.${'n': n} %}" }));
  const executionArn = await harness.start(machineArn, { list: [{ n: 1 }, { n: 2 }] });
  expect(await harness.finish(executionArn)).toMatchObject({ output: '{"n":[1,2]}' });
});
