import { end, invoke, type LanguageCase, machine, startChild } from './case.ts';

export const nested: readonly LanguageCase[] = [
  {
    name: 'an execution starts another and goes on',
    machine: machine({ N: startChild('', { Output: '{% $states.result.ExecutionArn %}', ...end }) }),
    children: { child: machine({ W: { Type: 'Wait', Seconds: 60, ...end } }) },
    expect: { output: 'arn:aws:states:eu-west-1:123456789012:execution:child:one-child', seconds: 0 },
  },
  {
    name: 'an execution waits for another, and reads its output',
    machine: machine({ N: startChild('.sync:2', { Output: '{% $states.result.[Status, Output.doubled] %}', ...end }) }),
    children: {
      child: machine({ W: { Type: 'Wait', Seconds: 3, Output: { doubled: '{% $states.input.n * 2 %}' }, ...end } }),
    },
    input: { n: 4 },
    expect: {
      output: ['SUCCEEDED', 8],
      seconds: 3,
      history: [
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskSubmitted',
        'TaskSucceeded',
        'TaskStateExited',
        'ExecutionSucceeded',
      ],
    },
  },
  {
    name: 'an execution that fails, fails the one that waits for it',
    machine: machine({ N: startChild('.sync:2', end) }),
    children: { child: machine({ F: { Type: 'Fail', Error: 'Bad', Cause: 'luck' } }) },
    expect: { error: 'States.TaskFailed', cause: { Status: 'FAILED', Error: 'Bad', Cause: 'luck' } },
  },
  {
    name: 'a machine that does not exist can not be started',
    machine: machine({ N: startChild('', end) }),
    expect: { error: 'StepFunctions.StateMachineDoesNotExistException' },
  },
  {
    name: 'an execution answers the token it was given',
    machine: machine({
      N: startChild('.waitForTaskToken', {
        Arguments: {
          StateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:child',
          Input: { token: '{% $states.context.Task.Token %}' },
        },
        ...end,
      }),
    }),
    children: { child: machine({ T: invoke('f', end) }) },
    functions: { f: [{ answersToken: 'from below' }] },
    expect: { output: 'from below' },
  },
];
