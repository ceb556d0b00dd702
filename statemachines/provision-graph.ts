import { job, lambda, RECORDS, undo } from './runs.ts';
import { saga } from './saga.ts';

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
  records: RECORDS,
});
