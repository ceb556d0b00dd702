import { setImmediate } from 'node:timers/promises';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { SdkClients } from '../../../local/step-functions/resources/aws-sdk.ts';
import { type StepFunctions, startStepFunctions } from '../../../local/step-functions/start-step-functions.ts';
import type { ExecutionStatusChange } from '../../../local/step-functions/status-change.ts';
import { FakeClock } from './fake-clock.ts';
import type { Behaviour } from './language-cases.ts';
import { ScriptedFunctions } from './scripted-functions.ts';

export const region = 'eu-west-1';
export const accountId = '123456789012';
export const roleArn = `arn:aws:iam::${accountId}:role/workflows`;
export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** The unchanged client, pointed at an endpoint. */
export const clientFor = (endpoint: string): SFNClient =>
  new SFNClient({ endpoint, region, credentials, maxAttempts: 1 });

/** A runner in this process, with a clock of its own and scripted functions. */
export interface Harness extends AsyncDisposable {
  readonly client: SFNClient;
  readonly clock: FakeClock;
  readonly functions: ScriptedFunctions;
  readonly stepFunctions: StepFunctions;
  create(name: string, definition: object): Promise<string>;
  start(stateMachineArn: string, input?: unknown, name?: string): Promise<string>;
  describe(executionArn: string): Promise<DescribeExecutionCommandOutput>;
  history(executionArn: string): Promise<HistoryEvent[]>;
  /** Lets everything happen that happens without time. */
  settle(): Promise<void>;
  /** Lets time pass, from one timer to the next, until the execution has ended. */
  finish(executionArn: string): Promise<DescribeExecutionCommandOutput>;
}

export interface HarnessOptions {
  script?: Record<string, Behaviour[]>;
  databaseFile?: string;
  sdk?: SdkClients;
  random?: () => number;
  clock?: FakeClock;
  onStatusChange?: (event: ExecutionStatusChange) => void;
}

export const startHarness = async (options: HarnessOptions = {}): Promise<Harness> => {
  const { script, databaseFile = ':memory:', sdk = {}, random = () => 0.5, clock = new FakeClock() } = options;
  const { onStatusChange = () => {} } = options;
  const functions = new ScriptedFunctions(script);
  const stepFunctions = await startStepFunctions({
    port: 0,
    databaseFile,
    region,
    accountId,
    invokeFunction: functions.invoke,
    sdk,
    clock,
    random,
    onStatusChange,
  });
  const client = clientFor(stepFunctions.url);
  functions.client = client;
  const describe = (executionArn: string) => client.send(new DescribeExecutionCommand({ executionArn }));
  const settle = async () => {
    do await setImmediate();
    while (functions.answering > 0);
    await setImmediate();
  };
  return {
    client,
    clock,
    functions,
    stepFunctions,
    describe,
    settle,
    async create(name, definition) {
      const command = new CreateStateMachineCommand({ name, roleArn, definition: JSON.stringify(definition) });
      const { stateMachineArn } = await client.send(command);
      return stateMachineArn ?? '';
    },
    async start(stateMachineArn, input = {}, name) {
      const command = new StartExecutionCommand({
        stateMachineArn,
        input: JSON.stringify(input),
        ...(name === undefined ? {} : { name }),
      });
      const { executionArn } = await client.send(command);
      return executionArn ?? '';
    },
    async history(executionArn) {
      const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
      return events ?? [];
    },
    async finish(executionArn) {
      for (;;) {
        await settle();
        const execution = await describe(executionArn);
        if (execution.status !== 'RUNNING') return execution;
        if (clock.nextAt !== undefined) clock.advanceTo(clock.nextAt);
      }
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await stepFunctions.close();
    },
  };
};
