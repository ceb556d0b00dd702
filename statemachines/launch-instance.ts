import { whileWaiting } from './retry-policies.ts';
import { lambda, RECORDS, undo } from './runs.ts';
import { saga } from './saga.ts';

/** Until a task is placed, its image pulled and the process up. */
const START_SECONDS = 600;

/**
 * Every state at its slowest: two steps of 9 tries in 15 s, a wait of 10 minutes, an undo and records of 21 tries in 30 s,
 * with 1 minute of waiting for each step and 4 for each undo: 1.2 hours.
 */
const LONGEST_SECONDS = 2 * 3_600;

/** Launches an instance whose name its operation has claimed: its service, its registration, and then it serves the queue. */
export const launchInstance = saga({
  name: 'launch-instance',
  comment: 'Launches an instance; one that does not come up leaves nothing.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'CreateService', run: lambda('create-service'), undos: [undo('RemoveInstance', 'remove-instance')] },
    {
      name: 'WaitForInstance',
      run: { function: 'await-registration', timeoutSeconds: START_SECONDS, waitsForToken: {}, retry: whileWaiting },
      undos: [],
    },
    { name: 'ServeQueue', run: lambda('finish-launch'), undos: [] },
  ],
  records: RECORDS,
});
