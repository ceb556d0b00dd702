import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { ExecutionOver } from '../../../contract/execution-over.ts';
import { routeExecutionEvents } from '../../../local/execution-events.ts';
import type { ExecutionStatusChange } from '../../../local/step-functions/status-change.ts';
import { startHarness } from '../step-functions/harness.ts';

const waits = { StartAt: 'Wait', QueryLanguage: 'JSONata', States: { Wait: { Type: 'Wait', Seconds: 60, End: true } } };

test('Step Functions tells of each execution that starts or is over, in the form of EventBridge', async () => {
  const events: ExecutionStatusChange[] = [];
  await using harness = await startHarness({ onStatusChange: (event) => events.push(event) });
  const machine = await harness.create('waits', waits);
  const done = await harness.start(machine, { a: 1 }, 'op_1');
  await harness.finish(done);
  const stopped = await harness.start(machine, {}, 'op_2');
  await harness.client.send(new StopExecutionCommand({ executionArn: stopped, error: 'ByHand' }));

  expect(events.map(({ detail }) => [detail.name, detail.status])).toEqual([
    ['op_1', 'RUNNING'],
    ['op_1', 'SUCCEEDED'],
    ['op_2', 'RUNNING'],
    ['op_2', 'ABORTED'],
  ]);
  expect(events[3]).toMatchObject({
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    region: 'eu-west-1',
    account: '123456789012',
    resources: [stopped],
    detail: { executionArn: stopped, stateMachineArn: machine, input: '{}', error: 'ByHand', output: null },
  });
  expect(events.map((event) => ExecutionOver.safeParse(event).success)).toEqual([false, false, false, true]);
});

/** What Step Functions would tell of an execution. */
const told = (name: string, status: string) => ({
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  detail: { name, status },
});

/** A function whose first calls fail; `calledThrice` resolves with its third. */
const functionThatFails = (times: number) => {
  const calls: unknown[][] = [];
  const third = Promise.withResolvers<void>();
  const invoke = async (...call: unknown[]) => {
    calls.push(call);
    if (calls.length === 3) third.resolve();
    if (calls.length <= times) throw new Error('Not now');
  };
  return { calls, calledThrice: third.promise, lambda: Promise.resolve({ invoke }) };
};

test('a function hears of executions of operations that did not end well, and of no other', async () => {
  const { calls, calledThrice, lambda } = functionThatFails(0);
  const events = routeExecutionEvents(lambda);
  for (const status of ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']) events.put(told('op_1', status));
  events.put(told('started-by-hand', 'FAILED'));
  await calledThrice;
  await events.close();
  expect(calls).toEqual(['FAILED', 'TIMED_OUT', 'ABORTED'].map((status) => ['settle-operation', told('op_1', status)]));
});

test('a function that fails is tried again, twice', async () => {
  const { calls, calledThrice, lambda } = functionThatFails(5);
  const events = routeExecutionEvents(lambda);
  events.put(told('op_1', 'FAILED'));
  await calledThrice;
  await events.close();
  expect(calls).toHaveLength(3);
});

test('closing does not wait for functions that never came', async () => {
  const events = routeExecutionEvents(new Promise(() => {}));
  events.put(told('op_1', 'FAILED'));
  await events.close();
});
