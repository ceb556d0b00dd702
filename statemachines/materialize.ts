import { jobStep, lambda, persistently, RECORDS, undo, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

const LOADING_SECONDS = 4 * 3_600;

/**
 * Every state at its slowest: a step of 9 tries in 15 s, a job of 3 tries in all their time, the wait for its instance,
 * seven undos, final steps and records of 21 tries in 30 s, with 4 minutes of waiting for each: under 3 hours besides the job.
 */
const LONGEST_SECONDS = 3 * LOADING_SECONDS + WAIT_FOR_INSTANCE_SECONDS + 4 * 3_600;

/**
 * Makes a graph of its tables, beside the snapshot that serves, which answers until one write moves the pointer. The job on
 * the graph's instance loads and uploads; until the log has that, whatever fails leaves the graph as it was. From then on it
 * is only published: it does not matter any more which run of the job was the one that loaded it.
 */
export const materialize = saga({
  name: 'materialize',
  comment: 'Makes a graph of its tables; until it is loaded, whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'ClaimGraph', run: lambda('claim-graph'), undos: [undo('ReleaseGraph', 'release-graph')] },
    jobStep('LoadGraph', 'materialize', [], { timeoutSeconds: LOADING_SECONDS }),
  ],
  finalSteps: [{ name: 'PublishSnapshot', run: persistently('publish-snapshot') }],
  records: RECORDS,
});
