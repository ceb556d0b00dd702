import { whenRetryable } from './retry-policies.ts';
import { lambda, persistently, RECORDS, undo } from './runs.ts';
import { saga } from './saga.ts';

/**
 * Every state at its slowest: a step of 9 tries in 15 s, one of 9 in 5 minutes, eight undos, final steps and records of
 * 21 tries in 30 s, with 1 minute of waiting for each step and 4 for each of the others: 2.8 hours.
 */
const LONGEST_SECONDS = 4 * 3_600;

/**
 * Deletes a graph with its subgraphs. From the backup on it only goes forward, and in this order: the database before
 * its slot, or the slot's next graph would find the instance full; the slot before the record, or nobody would find it.
 * A step that can not be done stops it there; the next deletion goes on.
 */
export const deleteGraph = saga({
  name: 'delete-graph',
  comment: 'Deletes a graph or a subgraph; until it is backed up, whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'BeginDelete', run: lambda('begin-delete'), undos: [undo('AbandonDelete', 'abandon-delete')] },
    {
      name: 'BackUpGraph',
      run: { function: 'back-up-graph', timeoutSeconds: 300, retry: whenRetryable },
      undos: [undo('RemoveBackup', 'remove-backup')],
    },
  ],
  finalSteps: [
    { name: 'DeleteSubgraphs', run: persistently('delete-subgraphs') },
    { name: 'DropDatabase', run: persistently('drop-database') },
    { name: 'FreeSlot', run: persistently('free-slot') },
    { name: 'EraseGraph', run: persistently('erase-graph') },
  ],
  records: RECORDS,
});
