import { end, type LanguageCase, machine, pass } from './case.ts';

export const choices: readonly LanguageCase[] = [
  {
    name: 'the first rule that holds is taken',
    machine: machine({
      C: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $states.input.n > 10 %}', Next: 'Big' },
          { Condition: '{% $states.input.n > 5 %}', Next: 'Middle' },
          { Condition: '{% true %}', Next: 'Small' },
        ],
      },
      Big: pass({ Output: 'big', ...end }),
      Middle: pass({ Output: 'middle', ...end }),
      Small: pass({ Output: 'small', ...end }),
    }),
    input: { n: 7 },
    expect: {
      output: 'middle',
      history: [
        'ExecutionStarted',
        'ChoiceStateEntered',
        'ChoiceStateExited',
        'PassStateEntered',
        'PassStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'a rule has its own Assign and Output',
    machine: machine({
      C: {
        Type: 'Choice',
        Assign: { x: 'state' },
        Choices: [{ Condition: '{% true %}', Assign: { x: 'rule' }, Output: 'ruled', Next: 'E' }],
      },
      E: pass({ Output: '{% [$states.input, $x] %}', ...end }),
    }),
    expect: { output: ['ruled', 'rule'] },
  },
  {
    name: 'the Default has the Assign and Output of the state',
    machine: machine({
      C: {
        Type: 'Choice',
        Assign: { x: 'state' },
        Output: 'defaulted',
        Choices: [{ Condition: '{% false %}', Next: 'E' }],
        Default: 'E',
      },
      E: pass({ Output: '{% [$states.input, $x] %}', ...end }),
    }),
    expect: { output: ['defaulted', 'state'] },
  },
  {
    name: 'no rule and no Default is an error',
    machine: machine({ C: { Type: 'Choice', Choices: [{ Condition: '{% false %}', Next: 'E' }] }, E: pass(end) }),
    expect: { error: 'States.NoChoiceMatched' },
  },
  {
    name: 'a condition that is neither true nor false is an error',
    machine: machine({ C: { Type: 'Choice', Choices: [{ Condition: '{% 1 %}', Next: 'E' }] }, E: pass(end) }),
    expect: { error: 'States.QueryEvaluationError' },
  },
];
