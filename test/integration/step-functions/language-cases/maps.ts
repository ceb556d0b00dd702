import { boom, branch, catchAll, end, invoke, type LanguageCase, machine, pass } from './case.ts';

export const maps: readonly LanguageCase[] = [
  {
    name: 'a Map runs once for each item',
    machine: machine({
      M: {
        Type: 'Map',
        Items: '{% $states.input.list %}',
        ItemProcessor: branch({ X: pass({ Output: '{% $states.input * 2 %}', ...end }) }),
        ...end,
      },
    }),
    input: { list: [1, 2, 3] },
    expect: { output: [2, 4, 6] },
  },
  {
    name: 'a Map without Items takes its input',
    machine: machine({ M: { Type: 'Map', ItemProcessor: branch({ X: pass(end) }), ...end } }),
    input: ['a'],
    expect: {
      output: ['a'],
      history: [
        'ExecutionStarted',
        'MapStateEntered',
        'MapStateStarted',
        'MapIterationStarted',
        'PassStateEntered',
        'PassStateExited',
        'MapIterationSucceeded',
        'MapStateSucceeded',
        'MapStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'a Map over nothing gives nothing',
    machine: machine({ M: { Type: 'Map', Items: [], ItemProcessor: branch({ X: pass(end) }), ...end } }),
    expect: { output: [] },
  },
  {
    name: 'an ItemSelector sees the item and the state',
    machine: machine({
      M: {
        Type: 'Map',
        Items: '{% $states.input.list %}',
        ItemSelector: {
          n: '{% $states.context.Map.Item.Index %}',
          v: '{% $states.context.Map.Item.Value %}',
          all: '{% $count($states.input.list) %}',
        },
        ItemProcessor: branch({ X: pass(end) }),
        ...end,
      },
    }),
    input: { list: ['a', 'b'] },
    expect: {
      output: [
        { n: 0, v: 'a', all: 2 },
        { n: 1, v: 'b', all: 2 },
      ],
    },
  },
  {
    name: 'an iteration sees its item',
    machine: machine({
      M: {
        Type: 'Map',
        Items: [{ a: 1 }],
        ItemProcessor: branch({ X: pass({ Output: '{% $states.context.Map.Item.Value.a %}', ...end }) }),
        ...end,
      },
    }),
    expect: { output: [1] },
  },
  {
    name: 'MaxConcurrency 1 goes one by one',
    machine: machine({
      M: {
        Type: 'Map',
        Items: [1, 2, 3],
        MaxConcurrency: '{% 1 %}',
        ItemProcessor: branch({ X: { Type: 'Wait', Seconds: 1, ...end } }),
        ...end,
      },
    }),
    expect: { output: [1, 2, 3], seconds: 3 },
  },
  {
    name: 'without MaxConcurrency all go at once',
    machine: machine({
      M: {
        Type: 'Map',
        Items: [1, 2, 3],
        ItemProcessor: branch({ X: { Type: 'Wait', Seconds: 1, ...end } }),
        ...end,
      },
    }),
    expect: { output: [1, 2, 3], seconds: 1 },
  },
  {
    name: 'an iteration that fails, fails the Map',
    machine: machine({
      M: {
        Type: 'Map',
        Items: [1, 2],
        MaxConcurrency: 1,
        ItemProcessor: branch({ X: invoke('f', end) }),
        ...end,
        Catch: catchAll,
        Output: 1,
      },
      Recovered: pass({ Output: '{% $states.input.Error %}', ...end }),
    }),
    functions: { f: [boom] },
    expect: {
      output: 'Boom',
      history: [
        'ExecutionStarted',
        'MapStateEntered',
        'MapStateStarted',
        'MapIterationStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskFailed',
        'MapIterationFailed',
        'MapStateFailed',
        'MapStateExited',
        'PassStateEntered',
        'PassStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'Items that are no array are an error',
    machine: machine({ M: { Type: 'Map', Items: '{% 1 %}', ItemProcessor: branch({ X: pass(end) }), ...end } }),
    expect: { error: 'States.QueryEvaluationError' },
  },
];
