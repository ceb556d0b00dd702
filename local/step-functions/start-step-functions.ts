import { setImmediate } from 'node:timers/promises';
import { serve } from './api/server.ts';
import { type Clock, systemClock } from './clock.ts';
import { Journal } from './journal.ts';
import { loadMachine } from './load-machine.ts';
import { Machines } from './machines.ts';
import { type SdkClients, sdkResource } from './resources/aws-sdk.ts';
import { type InvokeFunction, lambdaResource } from './resources/lambda.ts';
import { nestedExecution } from './resources/nested-execution.ts';
import { Runner } from './runner.ts';
import { type ExecutionStatusChange, statusChange } from './status-change.ts';

/** What the local Step Functions needs to run. */
export interface StepFunctionsOptions {
  /** The port on 127.0.0.1; 0 takes any that is free. */
  readonly port: number;
  /** The SQLite file that keeps machines, executions and histories; `:memory:` keeps nothing. */
  readonly databaseFile: string;
  readonly region: string;
  readonly accountId: string;
  /** Runs a Lambda function. */
  readonly invokeFunction: InvokeFunction;
  /** The clients behind `aws-sdk` tasks. A task of a service without one fails when it runs. */
  readonly sdk: SdkClients;
  /** @default the wall clock */
  readonly clock?: Clock;
  /** Hears of each execution that has started or ended, once it is on disk. @default nobody does */
  readonly onStatusChange?: (event: ExecutionStatusChange) => void;
  /** A number in [0, 1), for jitter and `$random`. @default Math.random */
  readonly random?: () => number;
}

/** A local Step Functions that listens. */
export interface StepFunctions {
  /** The endpoint for an SFNClient. */
  readonly url: string;
  /** Stops listening and working. What runs stays on disk, and goes on at the next start. */
  close(): Promise<void>;
}

/**
 * Starts a local Step Functions, and goes on with the executions that an earlier one left in the same file.
 * README.md says what it does not model.
 */
export const startStepFunctions = async (options: StepFunctionsOptions): Promise<StepFunctions> => {
  const { port, databaseFile, region, accountId, invokeFunction, sdk } = options;
  const { clock = systemClock, random = Math.random, onStatusChange } = options;
  const journal = new Journal(databaseFile);
  const findResource = (arn: string) =>
    lambdaResource(arn, invokeFunction) ?? nestedExecution(arn, runner) ?? sdkResource(arn, sdk);
  const load = (definition: string) => loadMachine(definition, findResource, { clock, random });
  const machines = new Machines(journal, clock, load, `arn:aws:states:${region}:${accountId}:stateMachine:`);
  const runner = new Runner({ journal, clock, random, region }, machines, (row) => onStatusChange?.(statusChange(row)));
  runner.resume();
  // Before anyone can answer a token, whoever waits for one waits again.
  await setImmediate();
  const endpoint = await serve({ journal, machines, runner, clock }, port);
  return {
    url: endpoint.url,
    async close() {
      runner.close();
      await endpoint.close();
      // Whatever was aborted unwinds before the database goes.
      await setImmediate();
      journal.close();
    },
  };
};
