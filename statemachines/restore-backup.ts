import { BACKUP_SECONDS } from './create-backup.ts';
import { jobStep, lambda, persistently, RECORDS, undo, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

/**
 * Every state at its slowest: a step of 9 tries in 15 s, two jobs of 3 tries in all their time with a wait for their
 * instance each, eight undos, final steps and records of 21 tries in 30 s, with 4 minutes of waiting for each: under 3 hours
 * besides the jobs.
 */
const LONGEST_SECONDS = 2 * (3 * BACKUP_SECONDS + WAIT_FOR_INSTANCE_SECONDS) + 4 * 3_600;

/**
 * Makes a graph what a backup of it was. The graph is claimed and what it is now backed up first; the backup is verified
 * beside the snapshot that serves, which answers until one write moves the pointer. Nothing is removed before that.
 */
export const restoreBackup = saga({
  name: 'restore-backup',
  comment: 'Restores a graph from a backup; until it is verified and copied, whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'ClaimGraph', run: lambda('claim-writer'), undos: [undo('ReleaseGraph', 'release-graph')] },
    jobStep('BackUpCurrent', 'back-up', [undo('RemoveBackup', 'remove-backup')], { timeoutSeconds: BACKUP_SECONDS }),
    jobStep('RestoreSnapshot', 'restore', [], { timeoutSeconds: BACKUP_SECONDS, jobsBefore: 1 }),
  ],
  finalSteps: [{ name: 'PublishRestored', run: persistently('publish-restored') }],
  records: RECORDS,
});
