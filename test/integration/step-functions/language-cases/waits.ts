import { end, type LanguageCase, machine } from './case.ts';

export const waits: readonly LanguageCase[] = [
  {
    name: 'a Wait waits its seconds',
    machine: machine({ W: { Type: 'Wait', Seconds: 3, Output: 'done', ...end } }),
    expect: {
      output: 'done',
      seconds: 3,
      history: ['ExecutionStarted', 'WaitStateEntered', 'WaitStateExited', 'ExecutionSucceeded'],
    },
  },
  {
    name: 'a Wait evaluates its seconds',
    machine: machine({ W: { Type: 'Wait', Seconds: '{% $states.input.s * 2 %}', ...end } }),
    input: { s: 2 },
    expect: { output: { s: 2 }, seconds: 4 },
  },
  {
    name: 'a Wait waits until a time',
    machine: machine({ W: { Type: 'Wait', Timestamp: '{% $fromMillis($millis() + 2000) %}', Output: 1, ...end } }),
    expect: { output: 1, seconds: 2 },
  },
  {
    name: 'a Wait until a time that has passed does not wait',
    machine: machine({ W: { Type: 'Wait', Timestamp: '2020-01-01T00:00:00Z', Output: 1, ...end } }),
    expect: { output: 1, seconds: 0 },
  },
  {
    name: 'a Wait for a string of seconds is an error',
    machine: machine({ W: { Type: 'Wait', Seconds: "{% 'x' %}", ...end } }),
    expect: { error: 'States.QueryEvaluationError' },
  },
  {
    name: 'a machine that takes too long times out',
    machine: machine({ W: { Type: 'Wait', Seconds: 9, ...end } }, { TimeoutSeconds: 4 }),
    expect: {
      error: undefined,
      status: 'TIMED_OUT',
      seconds: 4,
      history: ['ExecutionStarted', 'WaitStateEntered', 'ExecutionTimedOut'],
    },
  },
];
