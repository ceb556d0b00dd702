import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import { isTerminal, type Operation, type OperationError } from './operation.ts';
import type { OperationCommands } from './operation-commands.ts';
import { CONTROL_PLANE, type EventDraft, type OperationEvent } from './operation-event.ts';
import type { OperationLog } from './operation-log.ts';
import type { OperatorInput } from './operator-input.ts';
import { type ExecutionState, type Workflows, workflowOf } from './workflows.ts';

/** So many executions an operation is given without anybody asking. */
export const MAX_ATTEMPTS = 5;

/** So many operations are looked after side by side: a look is mostly waiting for answers. */
const AT_ONCE = 8;

/** An undo that failed is taken up again after so long: what stood in its way has had time to go. */
export const UNDO_AGAIN_AFTER_MS = 10 * 60_000;

const LONG_MS = 5 * 60_000;

/**
 * Brings together what the log says of operations and what became of their executions. An operation that was accepted
 * and never started is started; one whose execution is over without an end in the log is undone by another execution,
 * or, past its point of no return, carried on by it; one that has used up its attempts ends `compensation_failed`, or,
 * past that point, `failed`, and asking again goes on. An undo that failed is taken up again while it has attempts left.
 */
export class OperationReconciliation {
  readonly #log: OperationLog;
  readonly #commands: OperationCommands;
  readonly #workflows: Workflows;
  readonly #inputs: OperatorInput;
  readonly #now: () => Date;
  readonly #lost: () => void;

  /** @param options.lost hears of each execution that was over and had left no end in its log */
  constructor(
    log: OperationLog,
    commands: OperationCommands,
    workflows: Workflows,
    inputs: OperatorInput,
    { now = () => new Date(), lost = () => {} }: { now?: () => Date; lost?: () => void } = {},
  ) {
    this.#log = log;
    this.#commands = commands;
    this.#workflows = workflows;
    this.#inputs = inputs;
    this.#now = now;
    this.#lost = lost;
  }

  /**
   * Looks after the next `limit` operations that are not over, and as many whose undo failed. One that can not be helped
   * now does not hold up others.
   * @returns `waiting`: how many of them have not gone on for long, as they were listed
   */
  async takeTurn(
    rotations: RotationStore,
    limit: number,
  ): Promise<{ driven: number; failed: number; waiting: number }> {
    const count = { driven: 0, failed: 0, waiting: 0 };
    const helpAll = async (operations: Operation[], help: (operationId: string) => Promise<boolean>) => {
      const left = operations.values();
      const helpInTurn = async () => {
        for (const { operationId } of left) {
          const outcome = await help(operationId).catch(() => 'failed');
          if (outcome === 'failed') count.failed += 1;
          else if (outcome) count.driven += 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, helpInTurn));
    };
    const open = await nextTurn(rotations, 'open-operations', limit, (page) => this.#log.listOpen(page));
    count.waiting = open.filter((operation) => hasWaitedLong(operation, this.#now())).length;
    await helpAll(open, (operationId) => this.settle(operationId));
    const undos = await nextTurn(rotations, 'failed-undos', limit, (page) => this.#log.listUndoFailed(page));
    await helpAll(undos, (operationId) => this.takeUpUndo(operationId));
    return count;
  }

  /** Takes up an undo that failed, a while after it did. True: it was given another execution. */
  async takeUpUndo(operationId: string): Promise<boolean> {
    const last = await this.#log.last(operationId);
    if (last.status !== 'compensation_failed') {
      await this.#log.project(last);
      return false;
    }
    const isDue = this.#now().getTime() >= Date.parse(last.at) + UNDO_AGAIN_AFTER_MS;
    if (!isDue || last.attempt >= MAX_ATTEMPTS) return false;
    await this.#commands.retry(operationId, { actor: CONTROL_PLANE });
    return true;
  }

  /** Looks after one operation. True: it was given what it lacked. */
  async settle(operationId: string): Promise<boolean> {
    const last = await this.#log.last(operationId);
    if (isTerminal(last.status)) {
      // Its listing was left behind.
      await this.#log.project(last);
      return false;
    }
    const { attempt, kind } = last;
    const state = await this.#workflows.stateOf({ machine: workflowOf(kind), operationId, attempt });
    if (state === 'running') {
      await this.#inputs.wake(last);
      return false;
    }
    const next = state === 'absent' ? last : await this.#log.appendAfter(last, draftAfter(last, state));
    // The log went on meanwhile, by another reconciler or by a job that the execution has left behind: look anew.
    if (next === undefined) return this.settle(operationId);
    if (state !== 'absent') this.#lost();
    await this.#commands.drive(next);
    return true;
  }
}

/** Whether an operation has been queued, or not begun, for so long that somebody should know. Who is asked knows. */
const hasWaitedLong = ({ status, updatedAt, input }: Operation, now: Date): boolean => {
  const waits = status === 'accepted' || (status === 'queued' && (input === null || input.answer !== null));
  return waits && now.getTime() > Date.parse(updatedAt) + LONG_MS;
};

const draftAfter = (last: OperationEvent, state: ExecutionState): EventDraft => {
  const error: OperationError = {
    code: 'internal',
    message: `The workflow ended ${state} and did not record it.`,
    retryable: true,
  };
  if (last.attempt >= MAX_ATTEMPTS) {
    const message = 'Every attempt was used up';
    // Past its point of no return there is no undo to retry: asking again goes on.
    return last.cancellable ? { type: 'compensation_failed', message, error } : { type: 'failed', message, error };
  }
  if (last.status === 'compensating' || last.status === 'cancelling' || !last.cancellable) {
    return { type: 'progress', message: 'Going on with another execution', anotherAttempt: true };
  }
  const ending = state === 'timed_out' ? 'timed_out' : 'failed';
  return { type: 'compensating', message: 'Undoing', error, ending, anotherAttempt: true };
};
