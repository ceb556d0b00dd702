type Difference = {
  /** What is not as the case has it: status, output, error, cause or history. */
  readonly in: readonly string[];
  readonly because: string;
};

const HISTORY =
  'Its history leaves out events (TaskStarted, TaskSubmitted, EvaluationFailed, those in branches and iterations) and has one kind of task.';
const NO_LIMIT = 'Data may be of any size.';
const NO_HEARTBEAT = 'HeartbeatSeconds is left out of a task that waits for its token.';

/**
 * Where the Step Functions of MiniStack do not do what a case of the language says, by the case's name. In each the States
 * language specification, AWS's documentation or a recorded AWS history has it as the case does.
 */
export const EMULATOR_DIFFERS: Readonly<Record<string, Difference>> = {
  'an expression that yields nothing fails': {
    in: ['history'],
    because: HISTORY,
  },
  'an expression that yields a function fails': {
    in: ['error'],
    because:
      'It can not write a function as JSON, and says States.Runtime: the specification has States.QueryEvaluationError.',
  },
  'Assign and Output see the variables as they were before': {
    in: ['output'],
    because: 'Output sees what Assign of the same state has assigned.',
  },
  'branches read outer variables and keep their own': {
    in: ['output'],
    because: 'What a branch assigns is there after the Parallel.',
  },
  'the Default has the Assign and Output of the state': {
    in: ['output'],
    because: 'The Output of a Choice is left out when its Default is taken.',
  },
  'a condition that is neither true nor false is an error': {
    in: ['status', 'error'],
    because: 'A condition of another type counts as true or false.',
  },
  'a Succeed ends with its Output': {
    in: ['output'],
    because: 'The Output of a Succeed is left out.',
  },
  'a Fail may say nothing': {
    in: ['error'],
    because: 'A Fail without an Error gets one, States.Fail.',
  },
  'a machine that takes too long times out': {
    in: ['status', 'history'],
    because: 'TimeoutSeconds of a machine is left out.',
  },
  'a function is invoked with its Payload': {
    in: ['output', 'history'],
    because: `The result of lambda:invoke has no ExecutedVersion. ${HISTORY}`,
  },
  'a bare function ARN gives the payload itself': {
    in: ['history'],
    because: HISTORY,
  },
  'a function that throws fails the task by the name of its error': {
    in: ['history'],
    because: HISTORY,
  },
  'Arguments that can not be evaluated fail the task before it is scheduled': {
    in: ['history'],
    because: HISTORY,
  },
  'a task that takes too long times out': {
    in: ['history'],
    because: HISTORY,
  },
  'TimeoutSeconds may be an expression': {
    in: ['error'],
    because: 'TimeoutSeconds as an expression is compared as text.',
  },
  'a result over 256 KiB fails the task': {
    in: ['status', 'error'],
    because: NO_LIMIT,
  },
  'States.DataLimitExceeded can be caught by its name': {
    in: ['output'],
    because: NO_LIMIT,
  },
  'an Output over 256 KiB fails the state': {
    in: ['error'],
    because: 'An expression may take a second, and what makes so much takes longer.',
  },
  'a broken call is States.Runtime, which nothing catches': {
    in: ['status', 'error'],
    because: 'A call without a function name is a function that is not found, which can be caught.',
  },
  'a token that nobody answers times out after the call': {
    in: ['history'],
    because: HISTORY,
  },
  'a missed heartbeat is caught as States.HeartbeatTimeout': {
    in: ['status', 'output'],
    because: NO_HEARTBEAT,
  },
  'a missed heartbeat is caught as States.Timeout': {
    in: ['status', 'output'],
    because: NO_HEARTBEAT,
  },
  'a function that throws fails the task that waits for its token': {
    in: ['status', 'error'],
    because: 'A task that waits for its token goes on waiting when its function has thrown.',
  },
  'a retry waits, and grows': {
    in: ['history'],
    because: HISTORY,
  },
  'MaxDelaySeconds caps the wait': {
    in: ['status', 'error'],
    because: 'MaxDelaySeconds is left out: the waits grow beyond the patience of this test.',
  },
  'each retrier counts by itself': {
    in: ['status', 'output'],
    because: 'What a function throws has one name here, so that no two retriers can be told apart.',
  },
  'a Parallel gives the outputs of its branches in order': {
    in: ['output'],
    because: 'Arguments of a Parallel are left out.',
  },
  'a branch that fails ends the others': {
    in: ['status', 'error', 'cause'],
    because: 'Branches go on when one has failed.',
  },
  'branches may branch': {
    in: ['history'],
    because: HISTORY,
  },
  'a Map without Items takes its input': {
    in: ['history'],
    because: HISTORY,
  },
  'an iteration that fails, fails the Map': {
    in: ['history'],
    because: HISTORY,
  },
  'an execution waits for another, and reads its output': {
    in: ['history'],
    because: HISTORY,
  },
  'an execution that fails, fails the one that waits for it': {
    in: ['error', 'cause'],
    because:
      'The error of the child is the task’s: AWS has States.TaskFailed, with the description of the child as its cause.',
  },
  'a machine that does not exist can not be started': {
    in: ['error'],
    because: 'The error has not the name of the service and the exception.',
  },
};
