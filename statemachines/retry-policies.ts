import type { RetryRule } from './states.ts';

/** Faults of Lambda and of the network that say nothing about the work. */
const INFRASTRUCTURE = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  // The function's process died, of too little memory for example.
  'Runtime.ExitError',
];

/** For steps. Full jitter over 1 → 2 → 4 → 8 → 10 → 10 → 10 → 10 s: 55 s of waiting at most, 27 s on average. */
export const whenRetryable: readonly RetryRule[] = [
  {
    ErrorEquals: ['Retryable', 'Unknown', 'States.Timeout', 'States.HeartbeatTimeout', ...INFRASTRUCTURE],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxDelaySeconds: 10,
    MaxAttempts: 8,
    JitterStrategy: 'FULL',
  },
];

/**
 * For jobs, until their instance is back, or is known to be gone: a task that crashed is in quarantine after 20 to 90 s, and
 * then the operation waits for it. Full jitter over 1 → 2 → … → 20 → 20 s, 20 times: 165 s on average, and in 999 of 1,000
 * cases more than 90. A job that runs out of its time does so again.
 */
export const whileInstanceReturns: readonly RetryRule[] = [
  {
    ErrorEquals: ['Retryable', 'Unknown', 'States.HeartbeatTimeout', ...INFRASTRUCTURE],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxDelaySeconds: 20,
    MaxAttempts: 20,
    JitterStrategy: 'FULL',
  },
  {
    ErrorEquals: ['States.Timeout'],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxDelaySeconds: 2,
    MaxAttempts: 2,
    JitterStrategy: 'FULL',
  },
];

/** For waits: what could not begin is tried again, what was waited for in vain is not. */
export const whileWaiting: readonly RetryRule[] = whenRetryable.map((rule) => ({
  ...rule,
  ErrorEquals: rule.ErrorEquals.filter((word) => !word.startsWith('States.')),
}));

/** For waits that look for themselves: what was waited for in vain for a while is looked at again, so many times. */
export const lookingAgain = (times: number): RetryRule => ({
  ErrorEquals: ['States.Timeout'],
  IntervalSeconds: 1,
  BackoffRate: 1,
  MaxDelaySeconds: 2,
  MaxAttempts: times,
  JitterStrategy: 'NONE',
});

/**
 * For what is created meanwhile, on an instance that may have to be launched first. Full jitter over 1 → 1.5 → … → 15 s
 * and then 15 s each time: 45 minutes on average, 90 at most.
 */
export const whilePreparing: readonly RetryRule[] = whenRetryable.map((rule) => ({
  ...rule,
  BackoffRate: 1.5,
  MaxDelaySeconds: 15,
  MaxAttempts: 360,
}));

/** For words of failure that another try can not change. */
const never = {
  IntervalSeconds: 1,
  BackoffRate: 1,
  MaxDelaySeconds: 2,
  MaxAttempts: 0,
  JitterStrategy: 'NONE',
} as const;

/** For undos: they must get through an outage of minutes. Full jitter over 1 → 2 → … → 30 → 30 s: 4 minutes on average. */
export const untilUndone: readonly RetryRule[] = [
  { ...never, ErrorEquals: ['Refusal', 'Terminal'] },
  {
    ErrorEquals: ['States.ALL'],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    MaxAttempts: 20,
    JitterStrategy: 'FULL',
  },
];
