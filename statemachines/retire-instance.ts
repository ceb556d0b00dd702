import { MOST_WAIT_MINUTES } from '../domain/refresh/instance-refresh.ts';
import { AWAIT_IDLE } from './refresh-instance.ts';
import { whenRetryable } from './retry-policies.ts';
import { lambda, persistently, RECORDS, undo } from './runs.ts';
import { saga } from './saga.ts';

/**
 * The wait for the instance, and every other state at its slowest: two steps of 9 tries in 30 s, undos, final steps and
 * records of 21 tries in 30 s, with 4 minutes of waiting for each: 2 hours.
 */
const LONGEST_SECONDS = MOST_WAIT_MINUTES * 60 + 3 * 3_600;

/**
 * Takes an instance out of the fleet: closes its gate, waits for the work on it to end, gives its graphs places on others,
 * and then removes its service and its item. Until it holds nothing whatever fails opens the gate again; graphs that have
 * moved by then stay where they are.
 */
export const retireInstance = saga({
  name: 'retire-instance',
  comment: 'Takes an instance out of the fleet once nothing is at work there and its graphs are on others.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    {
      name: 'BeginRetirement',
      run: lambda('begin-retirement'),
      undos: [undo('Requarantine', 'requarantine'), undo('Undrain', 'undrain'), undo('UnlockTier', 'unlock-tiers')],
    },
    {
      name: 'EvacuateInstance',
      run: { function: 'evacuate-instance', timeoutSeconds: 30, retry: whenRetryable },
      undos: [],
      waits: [AWAIT_IDLE],
    },
  ],
  finalSteps: [
    { name: 'RemoveService', run: persistently('remove-service') },
    { name: 'FinishRetirement', run: persistently('finish-retirement') },
  ],
  records: RECORDS,
});
