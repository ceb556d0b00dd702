import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import {
  CreateStateMachineCommand,
  GetExecutionHistoryCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { clientFor, type Harness, roleArn, startHarness } from './harness.ts';

type Fields = Record<string, unknown>;

const machine = (States: Fields) => ({ QueryLanguage: 'JSONata', StartAt: Object.keys(States)[0], States });
const invoke = (FunctionName: string, more: Fields = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  End: true,
  ...more,
});
const awaitToken = (FunctionName: string, more: Fields = {}) =>
  invoke(FunctionName, {
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName, Payload: { token: '{% $states.context.Task.Token %}' } },
    Output: '{% [$states.result, $kept] %}',
    ...more,
  });
const keep = (Next: string) => ({ Type: 'Pass', Assign: { kept: 'from before' }, Next });
const retryLost = [{ ErrorEquals: ['Lambda.Unknown'], IntervalSeconds: 1 }];

/** Every machine, and the event that shows that an execution of it is in the middle of things. */
const machines: Record<string, { definition: object; inTheMiddle: string; input?: unknown }> = {
  lost: { definition: machine({ T: invoke('hang-lost') }), inTheMiddle: 'TaskStarted' },
  retried: { definition: machine({ T: invoke('hang-retried', { Retry: retryLost }) }), inTheMiddle: 'TaskStarted' },
  token: { definition: machine({ K: keep('T'), T: awaitToken('token') }), inTheMiddle: 'TaskSubmitted' },
  heartbeat: {
    definition: machine({ K: keep('T'), T: awaitToken('heartbeat', { HeartbeatSeconds: 600 }) }),
    inTheMiddle: 'TaskSubmitted',
  },
  answered: { definition: machine({ K: keep('T'), T: awaitToken('answered') }), inTheMiddle: 'TaskSubmitted' },
  submitting: { definition: machine({ T: awaitToken('hang-submitting') }), inTheMiddle: 'TaskStarted' },
  waiting: {
    definition: machine({ K: keep('W'), W: { Type: 'Wait', Seconds: 900, Output: '{% $kept %}', End: true } }),
    inTheMiddle: 'WaitStateEntered',
  },
  expiring: {
    definition: { ...machine({ W: { Type: 'Wait', Seconds: 900, End: true } }), TimeoutSeconds: 300 },
    inTheMiddle: 'WaitStateEntered',
  },
  backoff: {
    definition: machine({ T: invoke('fail-backoff', { Retry: [{ ErrorEquals: ['Boom'], IntervalSeconds: 500 }] }) }),
    inTheMiddle: 'TaskFailed',
  },
  dynamodb: {
    definition: machine({
      T: {
        Type: 'Task',
        Resource: 'arn:aws:states:::aws-sdk:dynamodb:getItem',
        Arguments: { TableName: 't', Key: { id: { S: 'a' } } },
        End: true,
      },
    }),
    inTheMiddle: 'TaskStarted',
  },
  items: {
    definition: machine({
      M: {
        Type: 'Map',
        MaxConcurrency: 1,
        ItemProcessor: {
          StartAt: 'First',
          States: {
            First: invoke('{% $states.input = 2 ? "hang-item" : "item" %}', { End: undefined, Next: 'Second' }),
            Second: invoke('second', { Output: '{% [$states.context.Map.Item.Index, $states.result.Payload] %}' }),
          },
        },
        End: true,
      },
    }),
    input: [1, 2, 3],
    inTheMiddle: 'MapIterationSucceeded',
  },
  below: {
    definition: machine({ W: { Type: 'Wait', Seconds: 700, Output: 'from below', End: true } }),
    inTheMiddle: 'WaitStateEntered',
  },
  above: {
    definition: machine({
      N: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution.sync:2',
        Arguments: { StateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:below', Name: 'nested' },
        Output: '{% $states.result.Output %}',
        End: true,
      },
    }),
    inTheMiddle: 'TaskSubmitted',
  },
};

interface Doomed {
  process: ChildProcessByStdio<null, Readable, null>;
  client: SFNClient;
  calls: { called: string; payload: { token: string } }[];
}

let folder: string;
let restarted: Harness;
let killedAt: number;
const executions = new Map<string, string>();
const tokens = new Map<string, string>();
// A DynamoDB that takes a call and never answers it.
const silent = createServer(() => {});

const startDoomed = async (databaseFile: string): Promise<Doomed> => {
  const { port } = silent.address() as AddressInfo;
  const script = join(import.meta.dirname, 'doomed-runner.ts');
  const child = spawn(process.execPath, [script, databaseFile, `http://127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const calls: Doomed['calls'] = [];
  const url = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line);
      if (said.url === undefined) calls.push(said);
      else resolve(said.url);
    });
  });
  return { process: child, client: clientFor(url), calls };
};

const reached = async (client: SFNClient, executionArn: string, type: string): Promise<void> => {
  for (;;) {
    const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn }));
    if (events?.some((event) => event.type === type)) return;
  }
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'step-functions-'));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const databaseFile = join(folder, 'journal.sqlite');
  const doomed = await startDoomed(databaseFile);
  const { client, calls } = doomed;
  for (const [name, { definition, input = {} }] of Object.entries(machines)) {
    const create = new CreateStateMachineCommand({ name, roleArn, definition: JSON.stringify(definition) });
    const { stateMachineArn } = await client.send(create);
    const start = new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) });
    executions.set(name, (await client.send(start)).executionArn ?? '');
  }
  for (const [name, { inTheMiddle }] of Object.entries(machines)) {
    await reached(client, executions.get(name) ?? '', inTheMiddle);
  }
  // They come by another way than the history, and may come after it.
  while (!['token', 'heartbeat', 'answered'].every((called) => calls.some((call) => call.called === called))) {
    await once(doomed.process.stdout, 'data');
  }
  for (const { called, payload } of calls) tokens.set(called, payload.token);
  const answered = new SendTaskSuccessCommand({ taskToken: tokens.get('answered'), output: '"just in time"' });
  await client.send(answered);
  doomed.process.kill('SIGKILL');
  await once(doomed.process, 'exit');
  killedAt = Date.now();
  client.destroy();
  const echo = [{ echoes: true } as const];
  const names = ['hang-retried', 'fail-backoff', 'hang-item', 'item', 'second', 'token'];
  restarted = await startHarness({
    databaseFile,
    clock: new FakeClock(killedAt + 1000),
    script: Object.fromEntries(names.map((name) => [name, echo])),
  });
  await restarted.settle();
});

afterAll(async () => {
  await restarted[Symbol.asyncDispose]();
  silent.closeAllConnections();
  silent.close();
  await rm(folder, { recursive: true });
});

const describe = (name: string) => restarted.describe(executions.get(name) ?? '');
const waitedFor = (name: string) => restarted.finish(executions.get(name) ?? '');

test('a function that was running has failed as Lambda.Unknown', async () => {
  expect(await describe('lost')).toMatchObject({ status: 'FAILED', error: 'Lambda.Unknown' });
});

test('a function that was running while its task waited for a token has failed, too', async () => {
  expect(await describe('submitting')).toMatchObject({ status: 'FAILED', error: 'Lambda.Unknown' });
});

test('an SDK call that was under way has failed as the SDK client', async () => {
  expect(await describe('dynamodb')).toMatchObject({ status: 'FAILED', error: 'DynamoDb.SdkClientException' });
});

test('an answer that was taken before the kill is not lost', async () => {
  expect(await describe('answered')).toMatchObject({ status: 'SUCCEEDED', output: '["just in time","from before"]' });
});

test('a task that waits for a token goes on waiting, and its variables are there', async () => {
  expect(await describe('token')).toMatchObject({ status: 'RUNNING' });
  const taskToken = tokens.get('token');
  await restarted.client.send(new SendTaskSuccessCommand({ taskToken, output: '"late"' }));
  await restarted.settle();
  expect(await describe('token')).toMatchObject({ status: 'SUCCEEDED', output: '["late","from before"]' });
});

test('of a Map, the iterations that were over are not run again', async () => {
  const { status, error } = await describe('items');
  expect({ status, error }).toEqual({ status: 'FAILED', error: 'Lambda.Unknown' });
  expect(restarted.functions.calls.filter(({ name }) => name === 'item')).toEqual([]);
});

test('a retry decides about a function that was running', async () => {
  expect(await waitedFor('retried')).toMatchObject({ status: 'SUCCEEDED' });
});

test('a machine that takes too long times out by the wall clock', async () => {
  const { status, stopDate } = await waitedFor('expiring');
  expect(status).toBe('TIMED_OUT');
  expect(stopDate?.getTime()).toBeLessThanOrEqual(killedAt + 300_000);
});

test('a backoff goes on to its end', async () => {
  expect(restarted.functions.calls.filter(({ name }) => name === 'fail-backoff')).toEqual([]);
  expect(await waitedFor('backoff')).toMatchObject({ status: 'SUCCEEDED' });
  expect(restarted.clock.now()).toBeGreaterThan(killedAt + 400_000);
  expect(restarted.clock.now()).toBeLessThanOrEqual(killedAt + 500_000);
});

test('a heartbeat is missed by the wall clock', async () => {
  const { error, stopDate } = await waitedFor('heartbeat');
  expect(error).toBe('States.Timeout');
  expect(stopDate?.getTime()).toBeLessThanOrEqual(killedAt + 600_000);
});

test('an execution goes on waiting for another, which goes on itself', async () => {
  expect(await waitedFor('above')).toMatchObject({ status: 'SUCCEEDED', output: '"from below"' });
});

test('a Wait goes on to its end', async () => {
  const { output, stopDate } = await waitedFor('waiting');
  expect(output).toBe('"from before"');
  expect(stopDate?.getTime()).toBeLessThanOrEqual(killedAt + 900_000);
});

test('no event is told twice', async () => {
  for (const executionArn of executions.values()) {
    const ids = (await restarted.history(executionArn)).map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, n) => n + 1));
  }
});
