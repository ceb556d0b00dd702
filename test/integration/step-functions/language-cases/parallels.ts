import { boom, branch, catchAll, caught, end, invoke, type LanguageCase, machine, pass } from './case.ts';

export const parallels: readonly LanguageCase[] = [
  {
    name: 'a Parallel gives the outputs of its branches in order',
    machine: machine({
      P: {
        Type: 'Parallel',
        Arguments: { n: '{% $states.input.n * 2 %}' },
        Branches: [
          branch({ A: { Type: 'Wait', Seconds: 2, Output: 'slow', ...end } }),
          branch({ B: pass({ Output: '{% $states.input.n %}', ...end }) }),
        ],
        Output: '{% $states.result %}',
        ...end,
      },
    }),
    input: { n: 4 },
    expect: { output: ['slow', 8], seconds: 2 },
  },
  {
    name: 'a branch that fails ends the others',
    machine: machine({
      P: {
        Type: 'Parallel',
        Branches: [
          branch({ A: { Type: 'Wait', Seconds: 60, ...end } }),
          branch({ B: { Type: 'Fail', Error: 'Bad', Cause: 'luck' } }),
        ],
        ...end,
      },
    }),
    expect: { error: 'Bad', cause: 'luck', seconds: 0 },
  },
  {
    name: 'a Parallel can be caught',
    machine: machine({
      P: { Type: 'Parallel', Branches: [branch({ B: { Type: 'Fail', Error: 'Bad' } })], ...end, Catch: catchAll },
      ...caught,
    }),
    expect: { output: { Error: 'Bad', Cause: '' } },
  },
  {
    name: 'a Parallel is retried as a whole',
    machine: machine({
      P: {
        Type: 'Parallel',
        Branches: [branch({ A: invoke('steady', end) }), branch({ B: invoke('shaky', end) })],
        ...end,
        Retry: [{ ErrorEquals: ['Boom'] }],
      },
    }),
    functions: { steady: [{ returns: 'a' }], shaky: [boom, { returns: 'b' }] },
    expect: { output: ['a', 'b'], seconds: 1 },
  },
  {
    name: 'branches may branch',
    machine: machine({
      P: {
        Type: 'Parallel',
        Branches: [
          branch({
            Q: { Type: 'Parallel', Branches: [branch({ X: pass({ Output: 'x', ...end }) })], ...end },
          }),
        ],
        ...end,
      },
    }),
    expect: {
      output: [['x']],
      history: [
        'ExecutionStarted',
        'ParallelStateEntered',
        'ParallelStateStarted',
        'ParallelStateEntered',
        'ParallelStateStarted',
        'PassStateEntered',
        'PassStateExited',
        'ParallelStateSucceeded',
        'ParallelStateExited',
        'ParallelStateSucceeded',
        'ParallelStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
];
