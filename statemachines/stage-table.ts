import { jobStep, lambda, persistently, RECORDS, undo, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

/** Files of many gigabytes are read, and when rows are wrong, read again. */
const STAGING_SECONDS = 2 * 3_600;

/**
 * Every state at its slowest: a step of 9 tries in 15 s, a job of 3 tries in all their time, the wait for its instance,
 * seven undos, final steps and records of 21 tries in 30 s, with 4 minutes of waiting for each: under 3 hours besides the job.
 */
const LONGEST_SECONDS = 3 * STAGING_SECONDS + WAIT_FOR_INSTANCE_SECONDS + 4 * 3_600;

/**
 * Stages files into a table: one code path, whether they replace its rows or are added to them. The job on the graph's
 * instance makes one part of all rows; until the log has it, whatever fails leaves the table as it was.
 */
export const stageTable = saga({
  name: 'stage-table',
  comment: 'Stages files into a table; until its rows are made, whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'ClaimTable', run: lambda('claim-table'), undos: [undo('ReleaseTable', 'release-table')] },
    jobStep('StageFiles', 'stage-table', [], { timeoutSeconds: STAGING_SECONDS }),
  ],
  finalSteps: [{ name: 'PublishTable', run: persistently('publish-table') }],
  records: RECORDS,
});
