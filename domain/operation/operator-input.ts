import { WaitingForInput } from '../failure.ts';
import type { OperationInput } from './operation.ts';
import type { Commander } from './operation-commands.ts';
import type { OperationEvent } from './operation-event.ts';
import type { OperationLog } from './operation-log.ts';
import type { InputTokenStore, WaitingTasks } from './waiting-tasks.ts';

/**
 * The answer to what an operation asks; the log keeps both. Asking again is harmless.
 * @param last the newest event that the caller knows of
 * @throws {WaitingForInput} nobody has answered yet: the workflow is to wait
 */
export const answerTo = async (
  operations: OperationLog,
  last: OperationEvent,
  ask: Pick<OperationInput, 'question' | 'options' | 'scope'>,
): Promise<string> => {
  const { question, options } = ask;
  const detail = { waitsFor: { question, options } };
  const { input } = await operations.append(
    last.operationId,
    { type: 'progress', status: 'queued', message: question, ask, detail },
    last,
  );
  if (input !== null && input.answer !== null) return input.answer;
  throw new WaitingForInput('conflict', question);
};

/**
 * Lets operations wait for answers. The workflow leaves its token and then looks for an answer; whoever answers writes
 * the answer and then looks for a token: whichever comes second wakes the workflow.
 */
export class OperatorInput {
  readonly #operations: OperationLog;
  readonly #tokens: InputTokenStore;
  readonly #tasks: WaitingTasks;

  constructor(operations: OperationLog, tokens: InputTokenStore, tasks: WaitingTasks) {
    this.#operations = operations;
    this.#tokens = tokens;
    this.#tasks = tasks;
  }

  /**
   * Answers what an operation asks. From the moment that the log has the answer it is given, whoever wakes the workflow.
   * @throws {Refusal} `conflict` when nothing is asked, or was answered otherwise; `invalid_request`, `operation_over`
   */
  async answer(operationId: string, answer: string, by: Commander): Promise<OperationEvent> {
    const message = `Answered: ${answer}`;
    const event = await this.#operations.append(operationId, { type: 'progress', message, answer, ...by });
    // A workflow that can not be reached now is woken by the reconciler.
    await this.wake(event).catch(() => undefined);
    return event;
  }

  /** Waits by a task token until there is an answer. */
  async wait(operationId: string, taskToken: string): Promise<void> {
    await this.#tokens.put(operationId, taskToken);
    await this.wake(await this.#operations.last(operationId));
  }

  /** Wakes the workflow of an operation that has its answer. Repeating it is harmless. */
  async wake({ operationId, status, input }: OperationEvent): Promise<void> {
    if (status !== 'queued' || input === null || input.answer === null) return;
    const taskToken = await this.#tokens.get(operationId);
    if (taskToken !== undefined) await this.#tasks.succeed(taskToken);
  }
}
