import { type FunctionName, functionReference } from '../contract/functions.ts';

/** The part of the Amazon States Language that our machines use, in its JSONata form. */
export type StateMachine = {
  Comment: string;
  QueryLanguage: 'JSONata';
  TimeoutSeconds: number;
  StartAt: string;
  States: Record<string, State>;
};

export type State = TaskState | ChoiceState | { Type: 'Succeed' } | { Type: 'Fail'; Error: string; Cause: string };

type ChoiceState = { Type: 'Choice'; Choices: readonly { Condition: string; Next: string }[]; Default: string };

type TaskState = {
  Type: 'Task';
  Resource: string;
  Arguments: Record<string, unknown>;
  Output: Record<string, never>;
  TimeoutSeconds: number;
  HeartbeatSeconds?: number;
  Assign?: Readonly<Record<string, unknown>>;
  Retry: readonly RetryRule[];
  Catch?: readonly Catcher[];
} & ({ Next: string } | { End: true });

export type RetryRule = {
  ErrorEquals: string[];
  IntervalSeconds: number;
  MaxAttempts: number;
  BackoffRate: number;
  MaxDelaySeconds: number;
  JitterStrategy: 'FULL' | 'NONE';
};

export type Catcher = { ErrorEquals: string[]; Next: string; Assign?: Record<string, string> };

/** How a step or an undo runs: one Lambda task. */
export type Run = {
  readonly function: FunctionName;
  readonly timeoutSeconds: number;
  readonly retry: readonly RetryRule[];
  /** The task ends when somebody reports by its token; with a heartbeat it fails when nothing is heard for so long. */
  readonly waitsForToken?: { readonly heartbeatSeconds?: number };
  /** What the function gets besides the operation; values may be JSONata. */
  readonly payload?: Readonly<Record<string, string | boolean>>;
};

type Place = {
  payload: Readonly<Record<string, unknown>>;
  next: string | undefined;
  assign?: Readonly<Record<string, unknown>>;
  catches?: readonly Catcher[];
};

/**
 * A Lambda task. What a state puts out is nothing: what later steps need is in the control table, so the execution
 * history holds references only, and no tenant's content.
 */
export const task = (run: Run, { payload, next, assign, catches }: Place): State => ({
  Type: 'Task',
  Resource: `arn:aws:states:::lambda:invoke${run.waitsForToken ? '.waitForTaskToken' : ''}`,
  Arguments: {
    FunctionName: `\${${functionReference(run.function)}}`,
    Payload: { ...payload, ...(run.waitsForToken && { taskToken: '{% $states.context.Task.Token %}' }) },
  },
  Output: {},
  TimeoutSeconds: run.timeoutSeconds,
  ...(run.waitsForToken?.heartbeatSeconds && { HeartbeatSeconds: run.waitsForToken.heartbeatSeconds }),
  ...(assign && { Assign: assign }),
  Retry: run.retry,
  ...(catches && { Catch: catches }),
  ...(next === undefined ? { End: true } : { Next: next }),
});
