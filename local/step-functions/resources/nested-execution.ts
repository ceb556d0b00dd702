import { randomUUID } from 'node:crypto';
import { StateFailure } from '../failure.ts';
import type { ExecutionRow } from '../journal.ts';
import { StepFunctionsError } from '../step-functions-error.ts';
import { argument, type Resource } from './resource.ts';

/** The executions of this runner, as a task that starts one sees them. */
export interface Executions {
  /** @throws {StepFunctionsError} */
  start(request: { stateMachineArn: string; name: string; input: string }): ExecutionRow;
  find(executionArn: string): ExecutionRow | undefined;
  /** Resolves with the execution when it has ended. */
  ended(executionArn: string): Promise<ExecutionRow>;
  stop(executionArn: string, error?: string, cause?: string): void;
  /** What the ARN of an execution will be. */
  executionArn(stateMachineArn: string, name: string): string;
}

const PREFIX = 'arn:aws:states:::states:startExecution';
const ANSWERED_BY = new Map<string, Resource['answeredBy']>([
  [PREFIX, 'call'],
  [`${PREFIX}.sync:2`, 'execution'],
  [`${PREFIX}.waitForTaskToken`, 'token'],
]);

/** Executions within executions: started, waited for, or answered by a token that they are given. */
export const nestedExecution = (arn: string, executions: Executions): Resource | undefined => {
  const answeredBy = ANSWERED_BY.get(arn);
  if (answeredBy === undefined) return undefined;
  return {
    type: 'states',
    action: arn.slice('arn:aws:states:::states:'.length),
    answeredBy,
    fields: ['StateMachineArn', 'Input', 'Name'],
    // Named before it is started: a start that is repeated after a crash finds the execution there is.
    prepare: (input) => ({ Name: randomUUID(), ...Object(input) }),
    async call(input, repeated) {
      const { arn: ExecutionArn, startedAt: StartDate } = start(executions, input, repeated);
      return { ExecutionArn, StartDate };
    },
    async finish(submitted) {
      const ended = await executions.ended(String(argument(submitted, 'ExecutionArn')));
      if (ended.status === 'SUCCEEDED') return { ...described(ended), Output: JSON.parse(ended.output ?? 'null') };
      throw new StateFailure('States.TaskFailed', JSON.stringify(described(ended)));
    },
    cancel: (submitted) => executions.stop(String(argument(submitted, 'ExecutionArn'))),
  };
};

const start = (executions: Executions, input: unknown, repeated: boolean): ExecutionRow => {
  const stateMachineArn = String(argument(input, 'StateMachineArn'));
  const name = String(argument(input, 'Name'));
  const given = argument(input, 'Input') ?? {};
  if (repeated) {
    const found = executions.find(executions.executionArn(stateMachineArn, name));
    if (found !== undefined) return found;
  }
  try {
    return executions.start({
      stateMachineArn,
      name,
      input: typeof given === 'string' ? given : JSON.stringify(given),
    });
  } catch (error) {
    if (!(error instanceof StepFunctionsError)) throw error;
    const { type, message } = error;
    throw new StateFailure(
      `StepFunctions.${type}Exception`,
      `${message} (Service: AWSStepFunctions; Status Code: 400)`,
    );
  }
};

const described = (row: ExecutionRow) => ({
  ExecutionArn: row.arn,
  Input: row.input,
  Name: row.name,
  StartDate: row.startedAt,
  StateMachineArn: row.machine,
  Status: row.status,
  ...(row.stoppedAt === null ? {} : { StopDate: row.stoppedAt }),
  ...(row.output === null ? {} : { Output: row.output }),
  ...(row.error === null ? {} : { Error: row.error }),
  ...(row.cause === null ? {} : { Cause: row.cause }),
});
