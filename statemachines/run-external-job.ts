import type { FunctionName } from '../contract/functions.ts';
import { untilUndone, whenRetryable } from './retry-policies.ts';
import { lambda, RECORDS } from './runs.ts';
import { saga } from './saga.ts';
import type { RetryRule, Run } from './states.ts';

const DAY_SECONDS = 86_400;
const POLL_SECONDS = 30;

/**
 * A job is looked at after 2 → 3 → 4.5 → … → 30 s and then every 30 s, for a day; a service that does not answer meanwhile
 * is asked again just so, because the job goes on. 2,880 looks of three events each (scheduled, started, failed) are
 * 8,640 events; all that is before and after is under 300, so an execution stays far below the 25,000 that it may have.
 */
const untilOver: readonly RetryRule[] = [
  {
    ErrorEquals: ['JobUnderWay', ...whenRetryable.flatMap(({ ErrorEquals }) => ErrorEquals)],
    IntervalSeconds: 2,
    BackoffRate: 1.5,
    MaxDelaySeconds: POLL_SECONDS,
    MaxAttempts: DAY_SECONDS / POLL_SECONDS,
    JitterStrategy: 'NONE',
  },
];

/**
 * A job may take its time to end, or refuse to at first. 2 → 4 → 8 → 16 → 30 → 30 → … s: the sixth try is 90 s after the first
 * (what was never found by then never began), the last after two hours.
 */
const untilTerminated: readonly RetryRule[] = [
  {
    ErrorEquals: ['Retryable'],
    IntervalSeconds: 2,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    MaxAttempts: 240,
    JitterStrategy: 'NONE',
  },
  ...untilUndone,
];

const call = (name: FunctionName, retry: readonly RetryRule[] = whenRetryable): Run => ({
  ...lambda(name),
  timeoutSeconds: POLL_SECONDS,
  retry,
});

/**
 * The wait at its longest: 2,880 looks that take 30 s each, 30 s apart, are two days. Then a step of 9 tries, three records of
 * 21 tries in 30 s, and the undo of 261 tries: 5 hours.
 */
const LONGEST_SECONDS = 2 * DAY_SECONDS + 6 * 3_600;

/**
 * Runs a job elsewhere and follows it by asking. Whatever ends the operation otherwise terminates the job: the undo is not
 * done before the job is over.
 */
export const runExternalJob = saga({
  name: 'run-external-job',
  comment: 'Runs a job elsewhere and follows it; an operation that ends otherwise terminates it.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    {
      name: 'StartJob',
      run: call('start-external-job'),
      undos: [
        {
          name: 'TerminateJob',
          run: {
            ...call('terminate-external-job', untilTerminated),
            payload: { tries: '{% $states.context.State.RetryCount %}' },
          },
        },
      ],
    },
    { name: 'AwaitJob', run: call('await-external-job', untilOver), undos: [] },
  ],
  records: RECORDS,
});
