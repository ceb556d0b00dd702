import { boom, catchAll, caught, end, expression, invoke, type LanguageCase, large, machine } from './case.ts';

export const tasks: readonly LanguageCase[] = [
  {
    name: 'a function is invoked with its Payload',
    machine: machine({ T: invoke('f', { Output: '{% $states.result %}', ...end }) }),
    input: { a: 1 },
    functions: { f: [{ echoes: true }] },
    expect: {
      output: { ExecutedVersion: '$LATEST', Payload: { a: 1 }, StatusCode: 200 },
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskSucceeded',
        'TaskStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'a bare function ARN gives the payload itself',
    machine: machine({
      T: {
        Type: 'Task',
        Resource: 'arn:aws:lambda:eu-west-1:123456789012:function:f',
        Arguments: { a: '{% $states.input.a + 1 %}' },
        ...end,
      },
    }),
    input: { a: 1 },
    functions: { 'arn:aws:lambda:eu-west-1:123456789012:function:f': [{ echoes: true }] },
    expect: {
      output: { a: 2 },
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'LambdaFunctionScheduled',
        'LambdaFunctionStarted',
        'LambdaFunctionSucceeded',
        'TaskStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'a function that throws fails the task by the name of its error',
    machine: machine({ T: invoke('f', end) }),
    functions: { f: [boom] },
    expect: {
      error: 'Boom',
      cause: { errorType: 'Boom', errorMessage: 'it broke' },
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskFailed',
        'ExecutionFailed',
      ],
    },
  },
  {
    name: 'Arguments that can not be evaluated fail the task before it is scheduled',
    machine: machine({ T: invoke('f', { Arguments: { FunctionName: 'f', Payload: '{% $nothing %}' }, ...end }) }),
    functions: { f: [{ echoes: true }] },
    expect: {
      error: 'States.QueryEvaluationError',
      history: ['ExecutionStarted', 'TaskStateEntered', 'EvaluationFailed', 'ExecutionFailed'],
    },
  },
  {
    name: 'an Output that can not be evaluated can be caught',
    machine: machine({
      T: invoke('f', {
        Output: '{% $nothing %}',
        ...end,
        Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Output: 'caught', Next: 'Recovered' }],
      }),
      ...caught,
    }),
    functions: { f: [{ echoes: true }] },
    expect: { output: 'caught' },
  },
  {
    name: 'a task that takes too long times out',
    machine: machine({ T: invoke('f', { TimeoutSeconds: 2, ...end }) }),
    functions: { f: [{ hangs: true }] },
    expect: {
      error: 'States.Timeout',
      seconds: 2,
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskTimedOut',
        'ExecutionFailed',
      ],
    },
  },
  {
    name: 'TimeoutSeconds may be an expression',
    machine: machine({ T: invoke('f', { TimeoutSeconds: '{% 1 + 2 %}', ...end }) }),
    functions: { f: [{ hangs: true }] },
    expect: { error: 'States.Timeout', seconds: 3 },
  },
  {
    name: 'a result over 256 KiB fails the task',
    machine: machine({ T: invoke('f', { ...end, Catch: catchAll }), ...caught }),
    functions: { f: [{ returns: large }] },
    expect: { error: 'States.DataLimitExceeded' },
  },
  {
    name: 'States.DataLimitExceeded can be caught by its name',
    machine: machine({
      T: invoke('f', {
        ...end,
        Catch: [{ ErrorEquals: ['States.DataLimitExceeded'], Output: 'caught', Next: 'Recovered' }],
      }),
      ...caught,
    }),
    functions: { f: [{ returns: large }] },
    expect: { output: 'caught' },
  },
  {
    name: 'an Output over 256 KiB fails the state',
    machine: expression("$join($map([1..300000], function($i) {'x'}))"),
    expect: { error: 'States.DataLimitExceeded' },
  },
  {
    name: 'a broken call is States.Runtime, which nothing catches',
    machine: machine({ T: invoke('f', { Arguments: { Payload: {} }, ...end, Catch: catchAll }), ...caught }),
    expect: { error: 'States.Runtime' },
  },
];
