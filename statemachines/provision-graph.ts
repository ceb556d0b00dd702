import { AWAIT_INPUT, jobStep, lambda, RECORDS, undo, WAIT_FOR_CAPACITY, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

/**
 * Every state at its slowest: two steps of 9 tries in 15 s, a job of 3 tries in 120 s, eight undos and records of 21 tries
 * in 30 s, with 1 minute of waiting for each step and 4 for each undo: 173 minutes, and the waits for an answer, for
 * a slot and for the instance. The execution is not to end before.
 */
const LONGEST_SECONDS =
  4 * 3_600 + AWAIT_INPUT.run.timeoutSeconds + WAIT_FOR_CAPACITY.run.timeoutSeconds + WAIT_FOR_INSTANCE_SECONDS;

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
      waits: [AWAIT_INPUT, WAIT_FOR_CAPACITY],
      // The record names the instance, so it outlives the slot.
      undos: [undo('FreeSlot', 'free-slot'), undo('DeleteGraph', 'remove-graph')],
    },
    // One job, because nothing of a graph counts before its snapshot is published, and an instance may be lost at any time.
    jobStep('BuildGraph', 'build-graph', [
      undo('WithdrawSnapshot', 'withdraw-snapshot'),
      undo('DropDatabase', 'drop-database'),
    ]),
    {
      // Credits, then the subscription, then the graph: one step, because each of them can be repeated and undone by itself.
      name: 'ActivateGraph',
      run: lambda('activate-graph'),
      undos: [
        undo('DeactivateGraph', 'deactivate-graph'),
        undo('FailSubscription', 'fail-subscription'),
        undo('RevokeCredits', 'revoke-credits'),
      ],
    },
  ],
  records: RECORDS,
});
