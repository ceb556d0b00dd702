import { boom, branch, end, expression, invoke, type LanguageCase, machine, pass } from './case.ts';

export const variables: readonly LanguageCase[] = [
  {
    name: 'what a state assigns is seen from the next state on',
    machine: machine({
      A: pass({ Assign: { x: 1 }, Next: 'B' }),
      B: pass({ Next: 'C' }),
      C: pass({ Output: '{% $x %}', ...end }),
    }),
    expect: { output: 1 },
  },
  {
    name: 'Assign and Output see the variables as they were before',
    machine: machine({
      A: pass({ Assign: { x: 1, y: 1 }, Next: 'B' }),
      B: pass({ Assign: { x: '{% $y + 1 %}', y: '{% $x + 10 %}' }, Output: '{% $x %}', Next: 'C' }),
      C: pass({ Output: '{% [$states.input, $x, $y] %}', ...end }),
    }),
    expect: { output: [1, 2, 11] },
  },
  {
    name: 'a variable that was never assigned fails',
    machine: expression('$never'),
    expect: { error: 'States.QueryEvaluationError' },
  },
  {
    name: 'an array of one stays an array in a variable',
    machine: machine({
      A: pass({ Assign: { x: '{% [$states.input.list[0]] %}' }, Next: 'B' }),
      B: pass({ Output: '{% $x %}', ...end }),
    }),
    input: { list: [7] },
    expect: { output: [7] },
  },
  {
    name: 'a Task assigns from its result',
    machine: machine({
      A: invoke('f', { Assign: { got: '{% $states.result.Payload.v %}' }, Output: {}, Next: 'B' }),
      B: pass({ Output: '{% $got %}', ...end }),
    }),
    functions: { f: [{ returns: { v: 5 } }] },
    expect: { output: 5 },
  },
  {
    name: 'a Catch assigns from the error',
    machine: machine({
      A: invoke('f', {
        ...end,
        Catch: [{ ErrorEquals: ['Boom'], Assign: { why: '{% $states.errorOutput.Error %}' }, Next: 'B' }],
      }),
      B: pass({ Output: '{% $why %}', ...end }),
    }),
    functions: { f: [boom] },
    expect: { output: 'Boom' },
  },
  {
    name: 'a failed state assigns nothing of its own',
    machine: machine({
      Z: pass({ Assign: { x: 'before' }, Next: 'A' }),
      A: invoke('f', { Assign: { x: 'after' }, ...end, Catch: [{ ErrorEquals: ['Boom'], Next: 'B' }] }),
      B: pass({ Output: '{% $x %}', ...end }),
    }),
    functions: { f: [boom] },
    expect: { output: 'before' },
  },
  {
    name: 'branches read outer variables and keep their own',
    machine: machine({
      A: pass({ Assign: { outer: 1 }, Next: 'P' }),
      P: {
        Type: 'Parallel',
        Branches: [
          branch({
            X: pass({ Assign: { own: '{% $outer + 1 %}' }, Next: 'Y' }),
            Y: pass({ Output: '{% $own %}', ...end }),
          }),
          branch({ U: pass({ Assign: { own: 'other' }, Next: 'V' }), V: pass({ Output: '{% $own %}', ...end }) }),
        ],
        Next: 'E',
      },
      E: pass({ Output: "{% {'result': $states.input, 'leaks': $exists($own)} %}", ...end }),
    }),
    expect: { output: { result: [2, 'other'], leaks: false } },
  },
  {
    name: 'iterations of a Map do not see what another one assigned',
    machine: machine({
      M: {
        Type: 'Map',
        Items: [1, 2],
        MaxConcurrency: 1,
        ItemProcessor: branch({
          X: pass({ Assign: { own: '{% $states.input %}' }, Output: '{% $exists($own) %}', ...end }),
        }),
        ...end,
      },
    }),
    expect: { output: [false, false] },
  },
];
