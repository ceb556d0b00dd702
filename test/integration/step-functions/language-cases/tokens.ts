import { awaitToken, boom, caught, end, type LanguageCase, machine } from './case.ts';

export const tokens: readonly LanguageCase[] = [
  {
    name: 'a token is answered with success',
    machine: machine({ T: awaitToken('f', end) }),
    functions: { f: [{ answersToken: { ok: true } }] },
    expect: { output: { ok: true } },
  },
  {
    name: 'a token is answered with failure',
    machine: machine({ T: awaitToken('f', end) }),
    functions: { f: [{ failsToken: { error: 'Refused', cause: 'no' } }] },
    expect: { error: 'Refused', cause: 'no' },
  },
  {
    name: 'a token that nobody answers times out after the call',
    machine: machine({ T: awaitToken('f', { TimeoutSeconds: 5, ...end }) }),
    functions: { f: [{ returns: 1 }] },
    expect: {
      error: 'States.Timeout',
      seconds: 5,
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskSubmitted',
        'TaskTimedOut',
        'ExecutionFailed',
      ],
    },
  },
  {
    name: 'a missed heartbeat is caught as States.HeartbeatTimeout',
    machine: machine({
      T: awaitToken('f', {
        TimeoutSeconds: 60,
        HeartbeatSeconds: 5,
        ...end,
        Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Output: 'missed', Next: 'Recovered' }],
      }),
      ...caught,
    }),
    functions: { f: [{ returns: 1 }] },
    expect: { output: 'missed', seconds: 5 },
  },
  {
    name: 'a missed heartbeat is caught as States.Timeout',
    machine: machine({
      T: awaitToken('f', {
        HeartbeatSeconds: '{% 5 %}',
        ...end,
        Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Recovered' }],
      }),
      ...caught,
    }),
    functions: { f: [{ returns: 1 }] },
    expect: { output: { Error: 'States.Timeout', Cause: '' } },
  },
  {
    name: 'a timeout is not a missed heartbeat',
    machine: machine({
      T: awaitToken('f', {
        TimeoutSeconds: 5,
        ...end,
        Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Recovered' }],
      }),
      ...caught,
    }),
    functions: { f: [{ returns: 1 }] },
    expect: { error: 'States.Timeout' },
  },
  {
    name: 'a function that throws fails the task that waits for its token',
    machine: machine({ T: awaitToken('f', end) }),
    functions: { f: [boom] },
    expect: { error: 'Boom' },
  },
  {
    name: 'each attempt has a token of its own',
    machine: machine({ T: awaitToken('f', { ...end, Retry: [{ ErrorEquals: ['Refused'] }] }) }),
    functions: { f: [{ failsToken: { error: 'Refused', cause: 'no' } }, { answersToken: 'yes' }] },
    expect: { output: 'yes' },
  },
];
