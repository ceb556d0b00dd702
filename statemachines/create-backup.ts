import { jobStep, lambda, RECORDS, undo, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

/** Five gigabytes are read, fetched perhaps, and sent. */
export const BACKUP_SECONDS = 3_600;

/**
 * Every state at its slowest: two steps of 9 tries in 15 s, a job of 3 tries in all their time, the wait for its instance,
 * four undos and records of 21 tries in 30 s, with 4 minutes of waiting for each: under 2 hours besides the job.
 */
const LONGEST_SECONDS = 3 * BACKUP_SECONDS + WAIT_FOR_INSTANCE_SECONDS + 3 * 3_600;

/** Copies a graph's snapshot to where nothing that happens to the graph reaches. The graph is only read. */
export const createBackup = saga({
  name: 'create-backup',
  comment: 'Backs up a graph; whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'BeginBackup', run: lambda('begin-backup'), undos: [] },
    jobStep('BackUpSnapshot', 'back-up', [undo('RemoveBackup', 'remove-backup')], { timeoutSeconds: BACKUP_SECONDS }),
    { name: 'FinishBackup', run: lambda('finish-backup'), undos: [] },
  ],
  records: RECORDS,
});
