import { awaitToken, boom, catchAll, caught, end, invoke, type LanguageCase, machine, pass } from './case.ts';

export const retries: readonly LanguageCase[] = [
  {
    name: 'a retry waits, and grows',
    machine: machine({
      T: invoke('f', {
        ...end,
        Retry: [{ ErrorEquals: ['Boom'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3 }],
      }),
    }),
    functions: { f: [boom, boom, { returns: 'ok' }] },
    expect: {
      output: 'ok',
      seconds: 8,
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskFailed',
        'TaskScheduled',
        'TaskStarted',
        'TaskFailed',
        'TaskScheduled',
        'TaskStarted',
        'TaskSucceeded',
        'TaskStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'three retries after one, two and four seconds, unless it says otherwise',
    machine: machine({ T: invoke('f', { ...end, Retry: [{ ErrorEquals: ['Boom'] }] }) }),
    functions: { f: [boom] },
    expect: { error: 'Boom', seconds: 7 },
  },
  {
    name: 'MaxDelaySeconds caps the wait',
    machine: machine({
      T: invoke('f', {
        ...end,
        Retry: [{ ErrorEquals: ['Boom'], IntervalSeconds: 1, BackoffRate: 10, MaxAttempts: 3, MaxDelaySeconds: 5 }],
      }),
    }),
    functions: { f: [boom] },
    expect: { error: 'Boom', seconds: 11 },
  },
  {
    name: 'MaxAttempts 0 never retries',
    machine: machine({
      T: invoke('f', { ...end, Retry: [{ ErrorEquals: ['Boom'], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'] }] }),
    }),
    functions: { f: [boom] },
    expect: { error: 'Boom', seconds: 0 },
  },
  {
    name: 'each retrier counts by itself',
    machine: machine({
      T: invoke('f', {
        ...end,
        Retry: [
          { ErrorEquals: ['Boom'], MaxAttempts: 1, IntervalSeconds: 1 },
          { ErrorEquals: ['States.ALL'], MaxAttempts: 1, IntervalSeconds: 10 },
        ],
      }),
    }),
    functions: { f: [boom, { throws: { name: 'Other', message: '' } }, { returns: 'ok' }] },
    expect: { output: 'ok', seconds: 11 },
  },
  {
    name: 'States.TaskFailed is not for timeouts',
    machine: machine({
      T: invoke('f', { TimeoutSeconds: 2, ...end, Retry: [{ ErrorEquals: ['States.TaskFailed'] }] }),
    }),
    functions: { f: [{ hangs: true }] },
    expect: { error: 'States.Timeout', seconds: 2 },
  },
  {
    name: 'States.TaskFailed is for everything else',
    machine: machine({ T: invoke('f', { ...end, Retry: [{ ErrorEquals: ['States.TaskFailed'] }] }) }),
    functions: { f: [boom, { returns: 'ok' }] },
    expect: { output: 'ok' },
  },
  {
    name: 'the context counts the retries',
    machine: machine({
      T: invoke('f', {
        Arguments: { FunctionName: 'f', Payload: '{% $states.context.State.RetryCount %}' },
        ...end,
        Retry: [{ ErrorEquals: ['Boom'] }],
      }),
    }),
    functions: { f: [boom, boom, { echoes: true }] },
    expect: { output: 2 },
  },
  {
    name: 'a retry that runs out is caught',
    machine: machine({
      T: invoke('f', {
        ...end,
        Retry: [{ ErrorEquals: ['Boom'], MaxAttempts: 1 }],
        Catch: [
          { ErrorEquals: ['Other'], Next: 'Wrong' },
          {
            ErrorEquals: ['States.ALL'],
            Output: '{% $states.errorOutput.Error & $states.input.a %}',
            Next: 'Recovered',
          },
        ],
      }),
      Wrong: pass(end),
      ...caught,
    }),
    input: { a: '!' },
    functions: { f: [boom] },
    expect: { output: 'Boom!', seconds: 1 },
  },
  {
    name: 'a Catch without Output passes the error on',
    machine: machine({ T: awaitToken('f', { ...end, Catch: catchAll }), ...caught }),
    functions: { f: [{ failsToken: { error: 'Refused', cause: 'no' } }] },
    expect: { output: { Error: 'Refused', Cause: 'no' } },
  },
];
