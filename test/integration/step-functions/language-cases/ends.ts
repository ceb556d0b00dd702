import { type LanguageCase, machine } from './case.ts';

export const ends: readonly LanguageCase[] = [
  {
    name: 'a Succeed ends with its Output',
    machine: machine({ S: { Type: 'Succeed', Output: '{% $states.input.a %}' } }),
    input: { a: 1 },
    expect: {
      output: 1,
      history: ['ExecutionStarted', 'SucceedStateEntered', 'SucceedStateExited', 'ExecutionSucceeded'],
    },
  },
  {
    name: 'a Fail evaluates Error and Cause',
    machine: machine({ F: { Type: 'Fail', Error: "{% 'Un' & 'lucky' %}", Cause: '{% $states.input.why %}' } }),
    input: { why: 'because' },
    expect: {
      error: 'Unlucky',
      cause: 'because',
      history: ['ExecutionStarted', 'FailStateEntered', 'ExecutionFailed'],
    },
  },
  { name: 'a Fail may say nothing', machine: machine({ F: { Type: 'Fail' } }), expect: { error: undefined } },
];
