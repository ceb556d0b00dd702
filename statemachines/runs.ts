import type { FunctionName } from '../contract/functions.ts';
import type { JobKind } from '../domain/fleet/instance-job.ts';
import { untilUndone, whenRetryable } from './retry-policies.ts';
import type { Saga, Undo } from './saga.ts';
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

/**
 * Work on an instance. The instance heartbeats every 10 s, so three misses are a loss, and the job is handed out again:
 * to the same instance, which comes back under its own name.
 */
export const job = (kind: JobKind): Run => ({
  function: 'dispatch-job',
  timeoutSeconds: 120,
  waitsForToken: { heartbeatSeconds: 30 },
  retry: whenRetryable,
  payload: { kind },
});

/** How every saga enters its undo and records its end. */
export const RECORDS: Saga['records'] = {
  beginUndo: persistently('begin-undo'),
  recordUndone: persistently('record-undone'),
  recordUndoFailure: persistently('record-undo-failure'),
  recordFailure: persistently('record-failure'),
};
