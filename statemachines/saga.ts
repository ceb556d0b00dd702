import type { OperationError } from '../domain/operation/operation.ts';
import { type Catcher, type Run, type State, type StateMachine, task } from './states.ts';

/** What takes a step back. */
export type Undo = { readonly name: string; readonly run: Run };

/** Something that a step waits for before it runs again: `word` is the error by which the step asks for it. */
export type Wait = {
  readonly word: string;
  readonly name: string;
  readonly run: Run;
  readonly undos: readonly Undo[];
  /** What the operation fails of when it was waited for in vain. Without it the step looks again: nobody is relied on to wake it. */
  readonly inVain?: OperationError;
};

/** A step that moves the work forward, and what takes it back, in that order. */
export type SagaStep = {
  readonly name: string;
  readonly run: Run;
  readonly undos: readonly Undo[];
  readonly waits?: readonly Wait[];
};

export type Saga = {
  readonly name: string;
  readonly comment: string;
  readonly timeoutSeconds: number;
  readonly steps: readonly SagaStep[];
  /**
   * Steps past the point of no return: they are tried for long, and what they have done stays done. The last of `steps`
   * tells the log so.
   */
  readonly finalSteps?: readonly Omit<SagaStep, 'undos' | 'waits'>[];
  readonly records: {
    readonly beginUndo: Run;
    readonly recordUndone: Run;
    readonly recordUndoFailure: Run;
    readonly recordFailure: Run;
  };
};

const OPERATION = {
  operationId: '{% $states.context.Execution.Input.operationId %}',
  graphId: '{% $states.context.Execution.Input.graphId %}',
  // For the lines that a step writes.
  tenantId: '{% $states.context.Execution.Input.tenantId %}',
};
/** What a record gets besides: an execution that another one has replaced has nothing to say any more. */
const RECORD = { ...OPERATION, execution: '{% $states.context.Execution.Name %}' };
const FAILURE = { failure: '{% $failure %}' };
const KEEP_FAILURE = { failure: '{% $states.errorOutput %}' };
const UNDO_FAILURE = { failure: '{% $undoFailure %}' };
const KEEP_UNDO_FAILURE = { undoFailure: '{% $states.errorOutput %}' };

/**
 * A saga as a state machine: its steps in order, and one route for whatever fails: `BeginUndo`, every undo in reverse,
 * `RecordUndone`, `Failed`. Every undo runs, whichever step failed, because the failed step may have half happened and
 * an undo of nothing is harmless. `BeginUndo` is the fence: the operation's log refuses it once the operation has
 * succeeded, and then nothing is undone. An undo that fails is remembered and the next one runs all the same; in the end
 * `RecordUndoFailure` says that something is left and a person is needed.
 *
 * An operation that is cancelled, or whose execution was lost, gets another execution of the same machine: its first
 * step is refused by the log, which leads it to the same undo. One that is past its point of no return goes on behind
 * it: every step before it throws `PastNoReturn`.
 */
export const saga = ({ name, comment, timeoutSeconds, steps, finalSteps = [], records }: Saga) => {
  const states: Record<string, State> = {};
  const forward = [...steps, ...finalSteps];
  const nextOf = (at: number) => forward[at + 1]?.name;
  const [afterNoReturn] = finalSteps;
  const skip = afterNoReturn ? [{ ErrorEquals: ['PastNoReturn'], Next: afterNoReturn.name }] : [];
  steps.forEach((given, at) => {
    const step = afterNoReturn ? beforeNoReturn(given) : given;
    const waits = step.waits ?? [];
    const routes = [...waits.map(({ word, name }) => ({ ErrorEquals: [word], Next: name })), ...skip, UNDO];
    addStep(states, step, nextOf(at), routes);
    for (const wait of waits) addStep(states, wait, step.name, [inVain(wait, step), UNDO]);
  });
  finalSteps.forEach((step, at) => {
    addStep(states, step, nextOf(steps.length + at), [STOP]);
  });

  addUndos(
    states,
    [...steps].reverse().flatMap(({ undos, waits = [] }) => [...undos, ...waits.flatMap((wait) => wait.undos)]),
    records,
  );
  if (finalSteps.length > 0) {
    states['RecordFailure'] = task(records.recordFailure, { payload: { ...RECORD, ...FAILURE }, next: 'Failed' });
  }
  states['AlreadyOver'] = { Type: 'Succeed' };
  states['Failed'] = { Type: 'Fail', Error: '{% $failure.Error %}', Cause: '{% $failure.Cause %}' };

  const first = forward[0];
  if (first === undefined) throw new Error(`The saga "${name}" has no steps.`);
  return {
    name,
    definition: {
      Comment: comment,
      QueryLanguage: 'JSONata',
      TimeoutSeconds: timeoutSeconds,
      StartAt: first.name,
      States: states,
    } satisfies StateMachine,
  };
};

const UNDO: Catcher = { ErrorEquals: ['States.ALL'], Assign: KEEP_FAILURE, Next: 'BeginUndo' };
const inVain = (wait: Wait, step: SagaStep): Catcher => {
  if (wait.inVain === undefined) return { ErrorEquals: ['States.Timeout'], Next: step.name };
  const failure = { Error: 'States.Timeout', Cause: JSON.stringify(wait.inVain) };
  return { ...UNDO, ErrorEquals: ['States.Timeout'], Assign: { failure: `{% ${JSON.stringify(failure)} %}` } };
};
const STOP: Catcher = { ErrorEquals: ['States.ALL'], Assign: KEEP_FAILURE, Next: 'RecordFailure' };

/** Tells the step where it stands, so that it does not run again once the operation is past that point. */
const beforeNoReturn = (step: SagaStep): SagaStep => ({
  ...step,
  run: { ...step.run, payload: { ...step.run.payload, beforeNoReturn: true } },
});

const addStep = (
  states: Record<string, State>,
  { name, run }: { name: string; run: Run },
  next: string | undefined,
  catches: readonly Catcher[],
): void => {
  states[name] = task(run, { payload: { ...OPERATION, ...run.payload }, next, catches });
};

const addUndos = (states: Record<string, State>, undos: readonly Undo[], records: Saga['records']): void => {
  states['BeginUndo'] = task(records.beginUndo, {
    payload: { ...RECORD, ...FAILURE },
    next: undos[0]?.name ?? 'Undone',
    assign: { undoFailure: null },
    catches: [
      { ErrorEquals: ['Refusal'], Next: 'AlreadyOver' },
      { ErrorEquals: ['States.ALL'], Assign: KEEP_UNDO_FAILURE, Next: 'RecordUndoFailure' },
    ],
  });
  undos.forEach((undo, at) => {
    const next = undos[at + 1]?.name ?? 'Undone';
    addStep(states, undo, next, [{ ErrorEquals: ['States.ALL'], Assign: KEEP_UNDO_FAILURE, Next: next }]);
  });
  states['Undone'] = {
    Type: 'Choice',
    Choices: [{ Condition: '{% $undoFailure = null %}', Next: 'RecordUndone' }],
    Default: 'RecordUndoFailure',
  };
  states['RecordUndone'] = task(records.recordUndone, { payload: RECORD, next: 'Failed' });
  states['RecordUndoFailure'] = task(records.recordUndoFailure, {
    payload: { ...RECORD, ...UNDO_FAILURE },
    next: 'Failed',
  });
};
