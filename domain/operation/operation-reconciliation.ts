import { nextTurn, type RotationStore } from '../reconciliation/rotation.ts';
import { isTerminal, type OperationError } from './operation.ts';
import type { OperationCommands } from './operation-commands.ts';
import type { EventDraft, OperationEvent } from './operation-event.ts';
import type { OperationLog } from './operation-log.ts';
import { type ExecutionState, type Workflows, workflowOf } from './workflows.ts';

/** What is done about an operation whose execution is over although its log has no end. */
export const MAX_ATTEMPTS = 5;

/**
 * Brings together what the log says of operations and what became of their executions. An operation that was accepted
 * and never started is started; one whose execution is over without an end in the log is undone by another execution,
 * or, past its point of no return, carried on by it; one that has used up its attempts ends `compensation_failed`.
 */
export class OperationReconciliation {
  readonly #log: OperationLog;
  readonly #commands: OperationCommands;
  readonly #workflows: Workflows;

  constructor(log: OperationLog, commands: OperationCommands, workflows: Workflows) {
    this.#log = log;
    this.#commands = commands;
    this.#workflows = workflows;
  }

  /** Looks after the next `limit` operations that are not over. One that can not be helped now does not hold up others. */
  async takeTurn(rotations: RotationStore, limit: number): Promise<{ driven: number; failed: number }> {
    const count = { driven: 0, failed: 0 };
    for (const { operationId } of await nextTurn(rotations, 'open-operations', limit, (page) =>
      this.#log.listOpen(page),
    )) {
      await this.settle(operationId).then(
        (driven) => (count.driven += driven ? 1 : 0),
        () => (count.failed += 1),
      );
    }
    return count;
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
    if (state === 'running') return false;
    const next = state === 'absent' ? last : await this.#log.appendAfter(last, draftAfter(last, state));
    if (next !== undefined) await this.#commands.drive(next);
    return next !== undefined;
  }
}

const draftAfter = (last: OperationEvent, state: ExecutionState): EventDraft => {
  const error: OperationError = {
    code: 'internal',
    message: `The workflow ended ${state} and did not record it.`,
    retryable: true,
  };
  if (last.attempt >= MAX_ATTEMPTS) return { type: 'compensation_failed', message: 'Every attempt was used up', error };
  if (last.status === 'compensating' || last.status === 'cancelling' || !last.cancellable) {
    return { type: 'progress', message: 'Going on with another execution', anotherAttempt: true };
  }
  const ending = state === 'timed_out' ? 'timed_out' : 'failed';
  return { type: 'compensating', message: 'Undoing', error, ending, anotherAttempt: true };
};
