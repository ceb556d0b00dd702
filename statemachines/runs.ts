import type { FunctionName } from '../contract/functions.ts';
import { SILENT_AFTER_SECONDS } from '../domain/fleet/heartbeat.ts';
import type { JobKind } from '../domain/fleet/instance-job.ts';
import { untilUndone, whenRetryable, whileInstanceReturns, whileWaiting } from './retry-policies.ts';
import type { Saga, SagaStep, Undo, Wait } from './saga.ts';
import type { Run } from './states.ts';

/** How the steps of all workflows run, so that a timeout or a retry is decided once. */

/** A step that a function does by itself. */
export const lambda = (name: FunctionName): Run => ({ function: name, timeoutSeconds: 15, retry: whenRetryable });

/** A step past the point of no return, or an undo: it must get through an outage of minutes. */
export const persistently = (name: FunctionName): Run => ({
  function: name,
  timeoutSeconds: 30,
  retry: untilUndone,
});

export const undo = (name: string, run: FunctionName): Undo => ({ name, run: persistently(run) });

/** More than a job is tried. */
const TRIES = 100;

/**
 * Work on an instance. When the instance is silent it is taken for lost, and the job is handed out again: to the same
 * instance, which comes back under its own name.
 */
const job = (kind: JobKind, timeoutSeconds: number, jobsBefore: number): Run => ({
  function: 'dispatch-job',
  timeoutSeconds,
  waitsForToken: { heartbeatSeconds: SILENT_AFTER_SECONDS },
  retry: whileInstanceReturns,
  payload: {
    kind,
    enteredAt: '{% $states.context.State.EnteredTime %}',
    retry: `{% $states.context.State.RetryCount${jobsBefore === 0 ? '' : ` + ${jobsBefore * TRIES}`} %}`,
    isAgain: '{% $states.context.State.RetryCount > 0 %}',
  },
});

/** A refresh that waits for its longest, twice over. */
export const WAIT_FOR_INSTANCE_SECONDS = 86_400;

/**
 * A step that hands a job to an instance; while the instance takes no work, because it is refreshed or silent, the
 * operation waits for it. The first thing to undo is the handing out: what comes after it must not be undone under a job
 * that still runs. A machine's second job says how many come before it, so that its tries are numbered behind theirs even if
 * its state is entered in the same millisecond.
 */
export const jobStep = (
  name: string,
  kind: JobKind,
  undos: readonly Undo[],
  { timeoutSeconds = 120, jobsBefore = 0 }: { timeoutSeconds?: number; jobsBefore?: number } = {},
): SagaStep => ({
  name,
  run: job(kind, timeoutSeconds, jobsBefore),
  waits: [
    {
      word: 'InstanceDraining',
      name: `WaitTo${name}`,
      run: {
        function: 'wait-for-instance',
        timeoutSeconds: WAIT_FOR_INSTANCE_SECONDS,
        waitsForToken: {},
        retry: whileWaiting,
        payload: { kind },
      },
      undos: [],
      inVain: {
        code: 'instance_draining',
        message: 'The instance of the graph took no work for a day.',
        retryable: true,
      },
    },
  ],
  undos: [{ name: `Stop${name}`, run: { ...persistently('stop-job'), payload: { kind } } }, ...undos],
});

const WEEK_SECONDS = 7 * 86_400;

/** For a step that can ask for an answer: a week until somebody gives one. */
export const AWAIT_INPUT: Wait = {
  word: 'WaitingForInput',
  name: 'AwaitInput',
  run: { function: 'await-input', timeoutSeconds: WEEK_SECONDS, waitsForToken: {}, retry: whileWaiting },
  undos: [],
  inVain: { code: 'conflict', message: 'Nobody answered within a week.', retryable: true },
};

/**
 * For a step that takes a slot: in the queue of its tier until whoever frees one, or launches an instance, wakes it. Nobody
 * sends heartbeats meanwhile; after a week the operation is undone.
 */
export const WAIT_FOR_CAPACITY: Wait = {
  word: 'WaitingForCapacity',
  name: 'WaitForCapacity',
  run: { function: 'wait-for-capacity', timeoutSeconds: WEEK_SECONDS, waitsForToken: {}, retry: whileWaiting },
  undos: [undo('LeaveQueue', 'leave-queue')],
  inVain: { code: 'at_capacity', message: 'There was no place on the tier for a week.', retryable: true },
};

/** How every saga enters its undo and records its end. */
export const RECORDS: Saga['records'] = {
  beginUndo: persistently('begin-undo'),
  recordUndone: persistently('record-undone'),
  recordUndoFailure: persistently('record-undo-failure'),
  recordFailure: persistently('record-failure'),
};
