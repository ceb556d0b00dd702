import type { FunctionName } from '../contract/functions.ts';
import type { JobKind } from '../domain/fleet/instance-job.ts';
import { untilUndone, whenRetryable } from './retry-policies.ts';
import { saga } from './saga.ts';
import type { Run } from './states.ts';

const lambda = (name: FunctionName) => ({ function: name, timeoutSeconds: 15, retry: whenRetryable });
const undoing = (name: FunctionName) => ({ function: name, timeoutSeconds: 30, retry: untilUndone });
const undo = (name: string, run: FunctionName) => ({ name, run: undoing(run) });

/**
 * Work on an instance. The instance heartbeats every 10 s, so three misses are a loss, and the job is handed out again:
 * to the same instance, which comes back under its own name.
 */
const job = (kind: JobKind): Run => ({
  function: 'dispatch-job',
  timeoutSeconds: 120,
  waitsForToken: { heartbeatSeconds: 30 },
  retry: whenRetryable,
  payload: { kind },
});

/**
 * Every state at its slowest: two steps of 9 tries in 15 s, a job of 9 tries in 120 s, seven undos and records of 21 tries
 * in 30 s, with 1 minute of waiting for each step and 4 for each undo: 143 minutes. The execution is not to end before.
 */
const LONGEST_SECONDS = 3 * 3_600;

/**
 * Gives a tenant a graph: a record and a slot on an instance, a database with the schema and the first entity, its
 * first snapshot, and then the graph is active.
 */
export const provisionGraph = saga({
  name: 'provision-graph',
  comment: 'Gives a tenant a graph; whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    {
      name: 'TakeSlot',
      run: lambda('take-slot'),
      // The record names the instance, so it outlives the slot.
      undos: [undo('FreeSlot', 'free-slot'), undo('DeleteGraph', 'delete-graph')],
    },
    {
      // One job, because nothing of a graph counts before its snapshot is published, and an instance may be lost at any time.
      name: 'BuildGraph',
      run: job('build-graph'),
      undos: [undo('WithdrawSnapshot', 'withdraw-snapshot'), undo('DropDatabase', 'drop-database')],
    },
    { name: 'ActivateGraph', run: lambda('activate-graph'), undos: [undo('DeactivateGraph', 'deactivate-graph')] },
  ],
  beginUndo: undoing('begin-undo'),
  recordFailure: undoing('record-failure'),
  recordUndoFailure: undoing('record-undo-failure'),
});
