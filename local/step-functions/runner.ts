import { type Answer, cursorAt, type PendingTask } from './cursor.ts';
import { Execution, type Surroundings, type Waiting } from './execution.ts';
import { StateFailure } from './failure.ts';
import { Frame } from './frame.ts';
import type { Ending, ExecutionRow } from './journal.ts';
import type { Machines } from './machines.ts';
import { checkArn, checkName, executionArn } from './names.ts';
import type { Executions } from './resources/nested-execution.ts';
import { runFrame } from './run-frame.ts';
import { RunnerClosed } from './runner-closed.ts';
import { StepFunctionsError } from './step-functions-error.ts';
import { readToken } from './task-token.ts';

const ROOT = 'root';
const LONGEST_INPUT_BYTES = 256 * 1024;

/** What an execution is started with. */
type Start = { stateMachineArn: string; name: string; input: string; traceHeader?: string | null };

interface Open {
  execution: Execution;
  root: Frame;
  forgetDeadline: () => void;
}

/** The executions: starts them, ends them, hands them their tasks' answers, and goes on with those a dead process left. */
export class Runner implements Executions {
  readonly #surroundings: Surroundings;
  readonly #machines: Machines;
  readonly #tell: (execution: ExecutionRow) => void;
  readonly #open = new Map<string, Open>();

  /** @param tell hears of each execution that has started or ended */
  constructor(surroundings: Surroundings, machines: Machines, tell: (execution: ExecutionRow) => void) {
    this.#surroundings = surroundings;
    this.#machines = machines;
    this.#tell = tell;
  }

  /** Goes on with every execution that has not ended. */
  resume(): void {
    // All of them are there before the first goes on: one may wait for another.
    const open = this.#surroundings.journal.openExecutions().map((row) => this.#admit(row));
    for (const execution of open) this.#run(execution);
  }

  /** Leaves what runs as it is on disk. */
  close(): void {
    for (const { execution, forgetDeadline } of this.#open.values()) {
      forgetDeadline();
      execution.abort.abort(new RunnerClosed());
    }
    this.#open.clear();
  }

  executionArn = executionArn;

  /**
   * Starts an execution. With the name and the input of one that runs, it is that one.
   * @throws {StepFunctionsError} StateMachineDoesNotExist, InvalidName, InvalidExecutionInput, ExecutionAlreadyExists
   */
  start({ stateMachineArn, name, input, traceHeader = null }: Start): ExecutionRow {
    const machine = this.#machines.startable(stateMachineArn);
    const parsed = parseInput(input);
    const arn = executionArn(machine.arn, checkName(name));
    const found = this.find(arn);
    if (found !== undefined) {
      const same = JSON.stringify(JSON.parse(found.input)) === JSON.stringify(parsed);
      if (found.status === 'RUNNING' && same) return found;
      throw new StepFunctionsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    }
    const { journal, clock } = this.#surroundings;
    const { revision, roleArn } = machine;
    const startedAt = clock.now();
    const cursor = cursorAt(this.#machines.atRevision(revision).definition.StartAt, parsed, {});
    const started = {
      timestamp: startedAt / 1000,
      type: 'ExecutionStarted',
      id: 1,
      previousEventId: 0,
      executionStartedEventDetails: { input, roleArn },
    };
    const row = journal.open(
      { arn, name, machine: machine.arn, revision, roleArn, input, status: 'RUNNING', startedAt, traceHeader },
      {
        events: [{ id: 1, body: JSON.stringify(started) }],
        frames: [{ path: ROOT, body: JSON.stringify({ cursor, lastEventId: 0 }) }],
      },
    );
    this.#tell(row);
    this.#run(this.#admit(row));
    return row;
  }

  find(arn: string): ExecutionRow | undefined {
    return this.#surroundings.journal.execution(arn);
  }

  /** @throws {StepFunctionsError} InvalidArn, ExecutionDoesNotExist */
  get(arn: string): ExecutionRow {
    const found = this.find(checkArn(arn, 'execution'));
    if (found !== undefined) return found;
    throw new StepFunctionsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }

  async ended(arn: string): Promise<ExecutionRow> {
    await this.#open.get(arn)?.execution.ended.promise;
    return this.get(arn);
  }

  /** Ends an execution before its time. One that has ended already stays as it ended. */
  stop(arn: string, error?: string, cause?: string): void {
    const open = this.#open.get(arn);
    if (open === undefined) return;
    this.#cutShort(
      open,
      'ABORTED',
      ['ExecutionAborted', { executionAbortedEventDetails: { error, cause } }],
      error,
      cause,
    );
  }

  /**
   * Gives a task its answer, on disk before this returns.
   * @throws {StepFunctionsError} InvalidToken, TaskDoesNotExist, TaskTimedOut
   */
  answer(token: string, answer: Answer): void {
    const { waiting, task } = this.#waitingFor(token);
    task.answer = answer;
    waiting.commit();
    waiting.answered?.(answer);
  }

  /** @throws {StepFunctionsError} InvalidToken, TaskDoesNotExist, TaskTimedOut */
  heartbeat(token: string): void {
    const { waiting, task } = this.#waitingFor(token);
    task.heartbeatAt = this.#surroundings.clock.now();
    waiting.commit();
  }

  #waitingFor(token: string): { waiting: Waiting; task: PendingTask } {
    const read = readToken(token);
    if (read === undefined) throw new StepFunctionsError('InvalidToken', 'Invalid Token: it is not a task token');
    const waiting = this.#open.get(read.executionArn)?.execution.frames.get(read.path);
    const task = waiting?.cursor.pending;
    const waits = task?.kind === 'task' && task.token === token && task.answer === undefined;
    if (waiting !== undefined && waits && !waiting.signal.aborted) return { waiting, task };
    if (this.find(read.executionArn) === undefined) {
      throw new StepFunctionsError('TaskDoesNotExist', 'Task Does Not Exist: no execution here gave this token');
    }
    throw new StepFunctionsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }

  #admit(row: ExecutionRow): Open {
    const machine = this.#machines.atRevision(row.revision);
    const execution = new Execution(row, machine, this.#surroundings);
    const saved = execution.saved.get(ROOT);
    if (saved === undefined) throw new Error(`The journal has lost where ${row.arn} is.`);
    const { signal } = execution.abort;
    const root = new Frame({ ...saved, execution, path: ROOT, scope: machine.definition, outer: {}, signal });
    const open: Open = { execution, root, forgetDeadline: () => {} };
    this.#open.set(row.arn, open);
    return open;
  }

  #run(open: Open): void {
    const { machine, row } = open.execution;
    const { TimeoutSeconds } = machine.definition;
    if (TimeoutSeconds !== undefined) {
      const at = row.startedAt + TimeoutSeconds * 1000;
      open.forgetDeadline = this.#surroundings.clock.schedule(at, () => this.#timeOut(open));
    }
    const { signal } = open.execution.abort;
    // Whoever aborted it has written its end, or left it for the next runner.
    runFrame(open.root).then(
      (output) => signal.aborted || this.#succeed(open, JSON.stringify(output)),
      (error: unknown) => signal.aborted || this.#fail(open, error),
    );
  }

  #timeOut(open: Open): void {
    this.#cutShort(open, 'TIMED_OUT', ['ExecutionTimedOut', { executionTimedOutEventDetails: {} }]);
  }

  #cutShort(open: Open, status: Ending['status'], event: [string, object], error?: string, cause?: string): void {
    // What was not yet on disk did not happen.
    open.root.takeEvents();
    this.#end(open, event, { status, at: this.#surroundings.clock.now(), error, cause });
    open.execution.abort.abort(new Error(`The execution ended as ${status}.`));
  }

  #succeed(open: Open, output: string): void {
    const event: [string, object] = ['ExecutionSucceeded', { executionSucceededEventDetails: { output } }];
    this.#end(open, event, { status: 'SUCCEEDED', at: this.#surroundings.clock.now(), output });
  }

  #fail(open: Open, thrown: unknown): void {
    const failure = thrown instanceof StateFailure ? thrown : new StateFailure('States.Runtime', String(thrown));
    const { error, cause } = failure;
    const event: [string, object] = ['ExecutionFailed', { executionFailedEventDetails: { error, cause } }];
    this.#end(open, event, { status: 'FAILED', at: this.#surroundings.clock.now(), error, cause });
  }

  #end({ execution, root, forgetDeadline }: Open, [type, details]: [string, object], ending: Ending): void {
    forgetDeadline();
    root.record(type, { ...details });
    this.#surroundings.journal.end(execution.row.id, execution.number(root.takeEvents()), ending);
    this.#open.delete(execution.row.arn);
    execution.ended.resolve();
    this.#tell(this.get(execution.row.arn));
  }
}

const parseInput = (input: string): unknown => {
  if (Buffer.byteLength(input) > LONGEST_INPUT_BYTES) {
    throw new StepFunctionsError(
      'InvalidExecutionInput',
      `Invalid Execution Input: larger than ${LONGEST_INPUT_BYTES} bytes`,
    );
  }
  try {
    return JSON.parse(input);
  } catch {
    throw new StepFunctionsError('InvalidExecutionInput', 'Invalid Execution Input: it is not JSON');
  }
};
