import { MOST_WAIT_MINUTES, START_SECONDS } from '../domain/refresh/instance-refresh.ts';
import { lookingAgain, untilUndone, whileWaiting } from './retry-policies.ts';
import { lambda, persistently, RECORDS, undo } from './runs.ts';
import { saga, type Wait } from './saga.ts';
import type { Run } from './states.ts';

/** What is waited for wakes the workflow; it looks by itself as well, this often, in case that nobody did. */
const LOOK_SECONDS = 60;
const LOOK_AT_TASK_SECONDS = 15;

/** For a busy instance: until its last lease ends, or the wait is over. */
export const AWAIT_IDLE: Wait = {
  word: 'InstanceBusy',
  name: 'AwaitIdle',
  run: { function: 'await-idle', timeoutSeconds: LOOK_SECONDS, waitsForToken: {}, retry: whileWaiting },
  undos: [],
};

/** What looks decides when it has looked long enough; twice as many looks outlast it. */
const LOOK_AGAIN = lookingAgain((2 * START_SECONDS) / LOOK_AT_TASK_SECONDS);
const untilRegistered = (name: 'await-task' | 'roll-back-task', retry: Run['retry']): Run => ({
  function: name,
  timeoutSeconds: LOOK_AT_TASK_SECONDS,
  waitsForToken: {},
  retry: [LOOK_AGAIN, ...retry],
});

/**
 * The wait for the instance, and every other state at its slowest: 4 steps of 9 tries in 15 s, 2 waits of 81 looks in 15 s,
 * undos and records of 21 tries in 30 s with 4 minutes between them: 2 hours.
 */
const LONGEST_SECONDS = MOST_WAIT_MINUTES * 60 + 3 * 3_600;

/**
 * Replaces the task of an instance by one with the wanted image: closes its gate, waits for the work on it to end, claims
 * it, has ECS replace the task, and opens the gate for the new one. Before the claim whatever fails opens the gate again;
 * after it the service is rolled back, and the gate opened for a task as it had before. Once the new one is confirmed
 * there is no way back.
 */
export const refreshInstance = saga({
  name: 'refresh-instance',
  comment: 'Replaces the task of an instance once nothing is at work there; one that does not come up is rolled back.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'BeginDrain', run: lambda('begin-drain'), undos: [undo('Undrain', 'undrain')] },
    { name: 'ClaimCycle', run: lambda('claim-cycle'), undos: [], waits: [AWAIT_IDLE] },
    {
      name: 'ReplaceTask',
      run: lambda('replace-task'),
      undos: [{ name: 'RollBackTask', run: untilRegistered('roll-back-task', untilUndone) }],
    },
    { name: 'AwaitTask', run: untilRegistered('await-task', whileWaiting), undos: [] },
    { name: 'ConfirmTask', run: lambda('confirm-task'), undos: [] },
  ],
  finalSteps: [{ name: 'ReopenInstance', run: persistently('reopen-instance') }],
  records: RECORDS,
});
