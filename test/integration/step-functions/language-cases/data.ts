import { end, expression, type LanguageCase, machine, pass } from './case.ts';

export const data: readonly LanguageCase[] = [
  {
    name: 'a Pass without Output gives its input',
    machine: machine({ Only: pass(end) }),
    input: { a: 1 },
    expect: { output: { a: 1 } },
  },
  {
    name: 'an Output without expressions is what it says',
    machine: machine({ Only: pass({ Output: { a: ['b', null, 3] }, ...end }) }),
    expect: { output: { a: ['b', null, 3] } },
  },
  {
    name: 'expressions are evaluated wherever a string stands',
    machine: machine({
      Only: pass({ Output: { list: ['{% 1 + 1 %}'], deep: { er: '{% $states.input.a %}' } }, ...end }),
    }),
    input: { a: 'x' },
    expect: { output: { list: [2], deep: { er: 'x' } } },
  },
  {
    name: 'a string that only holds an expression somewhere inside is a string',
    machine: machine({ Only: pass({ Output: 'see {% 1 %} there', ...end }) }),
    expect: { output: 'see {% 1 %} there' },
  },
  {
    name: 'an Output of null is null',
    machine: machine({ Only: pass({ Output: null, ...end }) }),
    expect: { output: null },
  },
  {
    name: 'an expression that yields nothing fails',
    machine: expression('$states.input.missing'),
    expect: {
      error: 'States.QueryEvaluationError',
      history: ['ExecutionStarted', 'PassStateEntered', 'EvaluationFailed', 'ExecutionFailed'],
    },
  },
  {
    name: 'an expression that fails, fails the state',
    machine: expression("$number('x')"),
    expect: { error: 'States.QueryEvaluationError' },
  },
  {
    name: 'an expression that yields a function fails',
    machine: expression('$sum'),
    expect: { error: 'States.QueryEvaluationError' },
  },
  {
    name: 'the context tells of execution, state and machine',
    machine: expression(
      '$states.context.[Execution.Input.a, State.Name, State.RetryCount, StateMachine.Name, $exists(Execution.StartTime)]',
    ),
    input: { a: 1 },
    expect: { output: [1, 'Only', 0, 'machine', true] },
  },
  {
    name: '$partition cuts an array in chunks',
    machine: expression('$partition([1, 2, 3, 4, 5], 2)'),
    expect: { output: [[1, 2], [3, 4], [5]] },
  },
  {
    name: '$range counts up to and with its end',
    machine: expression('$range(0, 10, 5)'),
    expect: { output: [0, 5, 10] },
  },
  { name: '$range counts down', machine: expression('$range(3, 1, -1)'), expect: { output: [3, 2, 1] } },
  {
    name: '$hash knows SHA-256',
    machine: expression("$hash('abc', 'SHA-256')"),
    expect: { output: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  },
  {
    name: '$hash refuses what it does not know',
    machine: expression("$hash('abc', 'CRC')"),
    expect: { error: 'States.QueryEvaluationError' },
  },
  {
    name: '$random lies between 0 and 1',
    machine: expression('($r := $random(); $r >= 0 and $r < 1)'),
    expect: { output: true },
  },
  {
    name: '$random with a seed repeats itself',
    machine: expression('$random(7) = $random(7) and $random(7) != $random(8)'),
    expect: { output: true },
  },
  {
    name: '$uuid makes a version 4 UUID',
    machine: expression(
      '$match($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/).index',
    ),
    expect: { output: 0 },
  },
  { name: '$parse reads JSON', machine: expression('$parse(\'{"a": [1]}\').a'), expect: { output: [1] } },
];
