import { type Run, type State, type StateMachine, task } from './states.ts';

/** A step that moves the work forward, and what takes it back, in that order. */
export type SagaStep = {
  readonly name: string;
  readonly run: Run;
  readonly undos: readonly { readonly name: string; readonly run: Run }[];
};

export type Saga = {
  readonly name: string;
  readonly comment: string;
  readonly timeoutSeconds: number;
  readonly steps: readonly SagaStep[];
  readonly beginUndo: Run;
  readonly recordFailure: Run;
  readonly recordUndoFailure: Run;
};

const OPERATION = {
  operationId: '{% $states.context.Execution.Input.operationId %}',
  graphId: '{% $states.context.Execution.Input.graphId %}',
};
const FAILURE = { failure: '{% $failure %}' };
const KEEP_FAILURE = { failure: '{% $states.errorOutput %}' };
const UNDO_FAILURE = { failure: '{% $undoFailure %}' };
const KEEP_UNDO_FAILURE = { undoFailure: '{% $states.errorOutput %}' };

/**
 * A saga as a state machine: its steps in order, and one route for whatever fails: `BeginUndo`, every undo in reverse,
 * `RecordFailure`, `Failed`. Every undo runs, whichever step failed, because the failed step may have half happened and
 * an undo of nothing is harmless. `BeginUndo` is the fence: the operation's log refuses it once the operation has
 * succeeded, and then nothing is undone. An undo that fails is remembered and the next one runs all the same; in the end
 * `RecordUndoFailure` says that something is left and a person is needed.
 */
export const saga = ({ name, comment, timeoutSeconds, steps, beginUndo, recordFailure, recordUndoFailure }: Saga) => {
  const undos = [...steps].reverse().flatMap((step) => step.undos);
  const states: Record<string, State> = {};
  steps.forEach((step, at) => {
    states[step.name] = task(step.run, {
      payload: { ...OPERATION, ...step.run.payload },
      next: steps[at + 1]?.name,
      catches: [{ ErrorEquals: ['States.ALL'], Assign: KEEP_FAILURE, Next: 'BeginUndo' }],
    });
  });
  states['BeginUndo'] = task(beginUndo, {
    payload: { ...OPERATION, ...FAILURE },
    next: undos[0]?.name ?? 'Undone',
    assign: { undoFailure: null },
    catches: [
      { ErrorEquals: ['Refusal'], Next: 'AlreadyOver' },
      { ErrorEquals: ['States.ALL'], Assign: KEEP_UNDO_FAILURE, Next: 'RecordUndoFailure' },
    ],
  });
  undos.forEach((undo, at) => {
    const next = undos[at + 1]?.name ?? 'Undone';
    states[undo.name] = task(undo.run, {
      payload: { ...OPERATION, ...undo.run.payload },
      next,
      catches: [{ ErrorEquals: ['States.ALL'], Assign: KEEP_UNDO_FAILURE, Next: next }],
    });
  });
  states['Undone'] = {
    Type: 'Choice',
    Choices: [{ Condition: '{% $undoFailure = null %}', Next: 'RecordFailure' }],
    Default: 'RecordUndoFailure',
  };
  states['RecordFailure'] = task(recordFailure, { payload: { ...OPERATION, ...FAILURE }, next: 'Failed' });
  states['RecordUndoFailure'] = task(recordUndoFailure, { payload: { ...OPERATION, ...UNDO_FAILURE }, next: 'Failed' });
  states['AlreadyOver'] = { Type: 'Succeed' };
  states['Failed'] = { Type: 'Fail', Error: '{% $failure.Error %}', Cause: '{% $failure.Cause %}' };

  const first = steps[0];
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
