import {
  CreateStateMachineCommand,
  DescribeStateMachineCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  InvalidArn,
  InvalidExecutionInput,
  InvalidName,
  InvalidOutput,
  InvalidToken,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StateMachineAlreadyExists,
  StateMachineDoesNotExist,
  StopExecutionCommand,
  TagResourceCommand,
  TaskDoesNotExist,
  TaskTimedOut,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { newToken } from '../../../local/step-functions/task-token.ts';
import { accountId, type Harness, region, roleArn, startHarness } from './harness.ts';

const arnOf = (name: string) => `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
const machine = (States: Record<string, object>) => ({
  QueryLanguage: 'JSONata',
  StartAt: Object.keys(States)[0],
  States,
});
const waits = machine({ W: { Type: 'Wait', Seconds: 60, End: true } });
const passes = machine({ P: { Type: 'Pass', End: true } });
const awaitsToken = (more: object = {}) =>
  machine({
    T: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'f', Payload: { token: '{% $states.context.Task.Token %}' } },
      End: true,
      ...more,
    },
  });
const script = { f: [{ returns: null }] };

const tokenGiven = ({ functions }: Harness): string => {
  const { token } = (functions.calls.at(-1)?.payload ?? {}) as { token?: string };
  return token ?? 'no token was given';
};

test('starting with the name and the input of a running execution is starting it once', async () => {
  await using harness = await startHarness();
  const machineArn = await harness.create('waits', waits);
  const first = await harness.start(machineArn, { a: 1, b: 2 }, 'once');
  expect(await harness.start(machineArn, { a: 1, b: 2 }, 'once')).toBe(first);
  const { executions } = await harness.client.send(new ListExecutionsCommand({ stateMachineArn: machineArn }));
  expect(executions).toHaveLength(1);
});

test('starting with the name of a running execution and another input is refused', async () => {
  await using harness = await startHarness();
  const machineArn = await harness.create('waits', waits);
  await harness.start(machineArn, { a: 1 }, 'once');
  await expect(harness.start(machineArn, { a: 2 }, 'once')).rejects.toThrow(ExecutionAlreadyExists);
});

test('starting with the name of an execution that has ended is refused, whatever the input', async () => {
  await using harness = await startHarness();
  const machineArn = await harness.create('passes', passes);
  await harness.finish(await harness.start(machineArn, {}, 'once'));
  await expect(harness.start(machineArn, {}, 'once')).rejects.toThrow(ExecutionAlreadyExists);
});

test.each(['with space', 'a/b', 'a:b', 'what?', 'x'.repeat(81), '{a}', ''])(
  'an execution can not be named %j',
  async (name) => {
    await using harness = await startHarness();
    const machineArn = await harness.create('passes', passes);
    await expect(harness.start(machineArn, {}, name)).rejects.toThrow(InvalidName);
  },
);

test('what does not exist is said not to', async () => {
  await using harness = await startHarness();
  await expect(harness.start(arnOf('none'))).rejects.toThrow(StateMachineDoesNotExist);
  await expect(harness.start('arn:aws:states:x')).rejects.toThrow(InvalidArn);
  const executionArn = `${arnOf('none').replace('stateMachine', 'execution')}:e`;
  await expect(harness.describe(executionArn)).rejects.toThrow(ExecutionDoesNotExist);
  await expect(harness.history(executionArn)).rejects.toThrow(ExecutionDoesNotExist);
  await expect(harness.client.send(new StopExecutionCommand({ executionArn }))).rejects.toThrow(ExecutionDoesNotExist);
});

test('an input that is not JSON is refused', async () => {
  await using harness = await startHarness();
  const stateMachineArn = await harness.create('passes', passes);
  const command = new StartExecutionCommand({ stateMachineArn, input: '{' });
  await expect(harness.client.send(command)).rejects.toThrow(InvalidExecutionInput);
});

test("an execution that is started by the alias is the machine's, by the same name and ARN; another alias there is not", async () => {
  await using harness = await startHarness();
  const stateMachineArn = await harness.create('passes', passes);
  const byAlias = await harness.start(`${stateMachineArn}:live`, { a: 1 }, 'told');
  expect(byAlias).toBe(`arn:aws:states:${region}:${accountId}:execution:passes:told`);
  await harness.finish(byAlias);
  expect(await harness.describe(byAlias)).toMatchObject({ stateMachineArn, status: 'SUCCEEDED' });
  await expect(harness.start(stateMachineArn, { a: 1 }, 'told')).rejects.toThrow(ExecutionAlreadyExists);
  await expect(harness.start(`${stateMachineArn}:next`)).rejects.toThrow(StateMachineDoesNotExist);
});

test('an execution tells of itself', async () => {
  await using harness = await startHarness();
  const stateMachineArn = await harness.create('passes', passes);
  const executionArn = await harness.start(stateMachineArn, { a: 1 }, 'told');
  await harness.finish(executionArn);
  expect(await harness.describe(executionArn)).toMatchObject({
    executionArn: `arn:aws:states:${region}:${accountId}:execution:passes:told`,
    stateMachineArn,
    name: 'told',
    status: 'SUCCEEDED',
    startDate: new Date(harness.clock.now()),
    stopDate: new Date(harness.clock.now()),
    input: '{"a":1}',
    output: '{"a":1}',
  });
});

test('creating a machine again is harmless if it is the same, and refused if it is not', async () => {
  await using harness = await startHarness();
  const machineArn = await harness.create('one', passes);
  expect(await harness.create('one', passes)).toBe(machineArn);
  await expect(harness.create('one', waits)).rejects.toThrow(StateMachineAlreadyExists);
});

test('an updated machine is for new executions; one that runs keeps the definition it started with', async () => {
  await using harness = await startHarness();
  const stateMachineArn = await harness.create('one', waits);
  const before = await harness.start(stateMachineArn, 'old');
  const definition = JSON.stringify(machine({ P: { Type: 'Pass', Output: 'new', End: true } }));
  await harness.client.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));
  const after = await harness.start(stateMachineArn);
  expect(await harness.finish(after)).toMatchObject({ output: '"new"' });
  expect(await harness.finish(before)).toMatchObject({ output: '"old"' });
  const described = await harness.client.send(new DescribeStateMachineCommand({ stateMachineArn }));
  expect(described).toMatchObject({ name: 'one', definition, roleArn, status: 'ACTIVE', type: 'STANDARD' });
});

test('machines are listed page by page', async () => {
  await using harness = await startHarness();
  for (const name of ['a', 'b', 'c']) await harness.create(name, passes);
  const first = await harness.client.send(new ListStateMachinesCommand({ maxResults: 2 }));
  const { nextToken } = first;
  const rest = await harness.client.send(new ListStateMachinesCommand({ maxResults: 2, nextToken }));
  expect([first, rest].map(({ stateMachines }) => stateMachines?.map(({ name }) => name))).toEqual([['a', 'b'], ['c']]);
  expect(rest.nextToken).toBeUndefined();
});

test('executions are listed page by page, the newest first, by status', async () => {
  await using harness = await startHarness();
  const stateMachineArn = await harness.create('waits', waits);
  for (const name of ['a', 'b', 'c', 'd']) await harness.start(stateMachineArn, {}, name);
  const stopped = await harness.start(stateMachineArn, {}, 'stopped');
  await harness.client.send(new StopExecutionCommand({ executionArn: stopped }));
  const names: (string | undefined)[][] = [];
  let nextToken: string | undefined;
  do {
    const command = new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 2, nextToken });
    const page = await harness.client.send(command);
    names.push(page.executions?.map(({ name }) => name) ?? []);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  expect(names).toEqual([
    ['d', 'c'],
    ['b', 'a'],
  ]);
  const wrong = new ListExecutionsCommand({ stateMachineArn, nextToken: 'nonsense' });
  await expect(harness.client.send(wrong)).rejects.toThrow(InvalidToken);
});

test('a history is read page by page in either direction, each event naming the one before', async () => {
  await using harness = await startHarness();
  const executionArn = await harness.start(await harness.create('passes', passes), { a: 1 });
  await harness.finish(executionArn);
  const read = async (reverseOrder: boolean) => {
    const command = { executionArn, reverseOrder, maxResults: 3 };
    const first = await harness.client.send(new GetExecutionHistoryCommand(command));
    const second = await harness.client.send(
      new GetExecutionHistoryCommand({ ...command, nextToken: first.nextToken }),
    );
    return [...(first.events ?? []), ...(second.events ?? [])];
  };
  const forward = await read(false);
  expect(forward.map(({ id, previousEventId }) => [id, previousEventId])).toEqual([
    [1, 0],
    [2, 0],
    [3, 2],
    [4, 3],
  ]);
  expect(forward[1]?.stateEnteredEventDetails).toEqual({ name: 'P', input: '{"a":1}' });
  expect(forward[2]?.stateExitedEventDetails).toEqual({ name: 'P', output: '{"a":1}' });
  expect(await read(true)).toEqual(forward.toReversed());
});

test('a stopped execution ends there, with the error and the cause it was given', async () => {
  await using harness = await startHarness();
  const executionArn = await harness.start(await harness.create('waits', waits));
  await harness.settle();
  await harness.client.send(new StopExecutionCommand({ executionArn, error: 'Enough', cause: 'of this' }));
  harness.clock.advanceSeconds(100);
  await harness.settle();
  expect(await harness.describe(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Enough', cause: 'of this' });
  expect((await harness.history(executionArn)).at(-1)).toMatchObject({ type: 'ExecutionAborted' });
  expect(harness.clock.nextAt).toBeUndefined();
});

test('stopping an execution stops the one that it waits for', async () => {
  await using harness = await startHarness();
  const child = await harness.create('child', waits);
  const Arguments = { StateMachineArn: child, Name: 'below' };
  const Resource = 'arn:aws:states:::states:startExecution.sync:2';
  const parent = await harness.create('parent', machine({ N: { Type: 'Task', Resource, Arguments, End: true } }));
  const executionArn = await harness.start(parent);
  await harness.settle();
  await harness.client.send(new StopExecutionCommand({ executionArn }));
  await harness.settle();
  expect(await harness.describe(`${child.replace('stateMachine', 'execution')}:below`)).toMatchObject({
    status: 'ABORTED',
  });
});

test('a task that times out stops the execution that it waits for', async () => {
  await using harness = await startHarness();
  const child = await harness.create('child', waits);
  const task = {
    Type: 'Task',
    Resource: 'arn:aws:states:::states:startExecution.sync:2',
    Arguments: { StateMachineArn: child, Name: 'below' },
    TimeoutSeconds: 5,
    End: true,
  };
  const parent = await harness.start(await harness.create('parent', machine({ N: task })));
  expect(await harness.finish(parent)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  expect(await harness.describe(`${child.replace('stateMachine', 'execution')}:below`)).toMatchObject({
    status: 'ABORTED',
  });
});

test('a heartbeat moves the deadline', async () => {
  await using harness = await startHarness({ script });
  const executionArn = await harness.start(await harness.create('tokens', awaitsToken({ HeartbeatSeconds: 10 })));
  await harness.settle();
  harness.clock.advanceSeconds(9);
  const taskToken = tokenGiven(harness);
  await harness.client.send(new SendTaskHeartbeatCommand({ taskToken }));
  harness.clock.advanceSeconds(9);
  await harness.settle();
  expect(await harness.describe(executionArn)).toMatchObject({ status: 'RUNNING' });
  harness.clock.advanceSeconds(1);
  await harness.settle();
  expect(await harness.describe(executionArn)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  await expect(harness.client.send(new SendTaskHeartbeatCommand({ taskToken }))).rejects.toThrow(TaskTimedOut);
});

test('a token is answered once', async () => {
  await using harness = await startHarness({ script });
  const executionArn = await harness.start(await harness.create('tokens', awaitsToken()));
  await harness.settle();
  const taskToken = tokenGiven(harness);
  await harness.client.send(new SendTaskSuccessCommand({ taskToken, output: '1' }));
  await expect(harness.client.send(new SendTaskFailureCommand({ taskToken }))).rejects.toThrow(TaskTimedOut);
  expect(await harness.finish(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '1' });
});

test('the token of a stopped execution is too late', async () => {
  await using harness = await startHarness({ script });
  const executionArn = await harness.start(await harness.create('tokens', awaitsToken()));
  await harness.settle();
  await harness.client.send(new StopExecutionCommand({ executionArn }));
  const late = new SendTaskSuccessCommand({ taskToken: tokenGiven(harness), output: '1' });
  await expect(harness.client.send(late)).rejects.toThrow(TaskTimedOut);
});

test('what is no token, and a token of no execution here, are told apart', async () => {
  await using harness = await startHarness();
  const answerTo = (taskToken: string) => harness.client.send(new SendTaskSuccessCommand({ taskToken, output: '1' }));
  await expect(answerTo('nonsense')).rejects.toThrow(InvalidToken);
  await expect(answerTo(newToken(`${arnOf('x')}:gone`, 'root'))).rejects.toThrow(TaskDoesNotExist);
});

test('an answer that is not JSON is refused, and the task still waits', async () => {
  await using harness = await startHarness({ script });
  const executionArn = await harness.start(await harness.create('tokens', awaitsToken()));
  await harness.settle();
  const taskToken = tokenGiven(harness);
  const wrong = new SendTaskSuccessCommand({ taskToken, output: '{' });
  await expect(harness.client.send(wrong)).rejects.toThrow(InvalidOutput);
  await harness.client.send(new SendTaskSuccessCommand({ taskToken, output: '2' }));
  expect(await harness.finish(executionArn)).toMatchObject({ output: '2' });
});

test('what the runner does not model is refused by name', async () => {
  await using harness = await startHarness();
  const definition = JSON.stringify(passes);
  const express = new CreateStateMachineCommand({ name: 'x', roleArn, definition, type: 'EXPRESS' });
  await expect(harness.client.send(express)).rejects.toThrow(/only STANDARD machines are modelled/);
  const tag = new TagResourceCommand({ resourceArn: arnOf('x'), tags: [] });
  await expect(harness.client.send(tag)).rejects.toThrow(/AWSStepFunctions.TagResource/);
});
