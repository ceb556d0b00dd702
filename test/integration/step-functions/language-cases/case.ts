/** A machine, an input and what its functions do, and what must come of it. */
export interface LanguageCase {
  readonly name: string;
  readonly machine: Machine;
  /** Further machines, by name, that the machine starts as `arn:aws:states:eu-west-1:123456789012:stateMachine:<name>`. */
  readonly children?: Record<string, Machine>;
  readonly input?: unknown;
  /** What each function does, call by call; the last is repeated. */
  readonly functions?: Record<string, Behaviour[]>;
  readonly expect: Expectation;
}

/** What must come of it; `seconds` is the time on the clock, and holds only where time can be made to jump. */
export type Expectation = { readonly history?: readonly string[]; readonly seconds?: number } & (
  | { readonly output: unknown }
  | { readonly error: string | undefined; readonly cause?: unknown; readonly status?: 'FAILED' | 'TIMED_OUT' }
);

/** One call of a function. `token` in the payload is the task's token. */
export type Behaviour =
  | { returns: unknown }
  | { echoes: true }
  | { throws: { name: string; message: string } }
  | { answersToken: unknown }
  | { failsToken: { error: string; cause: string } }
  | { hangs: true };

type Json = Record<string, unknown>;
type Machine = Json;

/** A machine that starts at the first of its states. */
export const machine = (States: Json, more: Json = {}): Machine => ({
  QueryLanguage: 'JSONata',
  StartAt: Object.keys(States)[0],
  States,
  ...more,
});
export const pass = (more: Json): Json => ({ Type: 'Pass', ...more });
/** Invokes a function with the state's input. */
export const invoke = (FunctionName: string, more: Json = {}): Json => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  ...more,
});
/** Invokes a function that is given a token, and waits for the token's answer. */
export const awaitToken = (FunctionName: string, more: Json = {}): Json => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Arguments: { FunctionName, Payload: { token: '{% $states.context.Task.Token %}' } },
  ...more,
});
/** Starts an execution of the machine `child`; the pattern is what follows `startExecution` in the ARN. */
export const startChild = (pattern: string, more: Json = {}): Json => ({
  Type: 'Task',
  Resource: `arn:aws:states:::states:startExecution${pattern}`,
  Arguments: {
    StateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:child',
    Name: 'one-child',
    Input: '{% $states.input %}',
  },
  ...more,
});
/** A machine that only gives the value of an expression. */
export const expression = (source: string): Machine =>
  machine({ Only: pass({ Output: `{% ${source} %}`, End: true }) });
export const end = { End: true };
/** Where a Catch of everything leads. */
export const caught = { Recovered: pass({ Output: '{% $states.input %}', End: true }) };
export const boom = { throws: { name: 'Boom', message: 'it broke' } };
export const catchAll = [{ ErrorEquals: ['States.ALL'], Next: 'Recovered' }];
/** A string that is larger than what may pass between states. */
export const large = 'x'.repeat(256 * 1024);

/** A branch of a Parallel, or the processor of a Map. */
export const branch = (States: Json): Json => ({ StartAt: Object.keys(States)[0], States });
