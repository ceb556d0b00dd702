import { createHash } from 'node:crypto';
import { Refusal } from '../failure.ts';
import { isTerminal, type OperationKind } from './operation.ts';
import type { OperationEvent } from './operation-event.ts';
import type { OpenedOperation, OperationLog } from './operation-log.ts';
import { type Attempt, type Workflows, workflowOf } from './workflows.ts';

/** What somebody asks for. The id says what else it is: with an idempotency key it is derived from the key. */
export type OperationRequest = {
  operationId: string;
  kind: OperationKind;
  tenantId: string;
  graphId: string | null;
  actor: string;
  /** What the workflow works by. */
  request: unknown;
  /** What a repeated call is compared by. @default the request */
  body?: unknown;
  /** What else its first event tells. */
  detail?: Record<string, unknown>;
};

/** Who commands, and in what capacity; the log keeps both. */
export type Commander = { actor: string; detail?: { byOperator: true } };

/** `startError` is set when the workflow could not be reached now: the reconciler will. */
export type AcceptedOperation = OpenedOperation & { startError?: unknown };

/**
 * The commands on operations. Each is one append to the log, which decides; then the executions are made to be what
 * the log says, by {@link drive}, which can be repeated by anyone at any time.
 */
export class OperationCommands {
  readonly #log: OperationLog;
  readonly #workflows: Workflows;

  constructor(log: OperationLog, workflows: Workflows) {
    this.#log = log;
    this.#workflows = workflows;
  }

  /**
   * Opens an operation and starts it. From the moment that it is open it is accepted, whatever becomes of the start.
   * @param admit claims what only one operation can have, as the workflow's first step does too. One that it refuses has
   * failed before anybody was told of it: a claim is made only for an operation that is there to answer for it.
   * @throws {Refusal} `idempotency_key_reused`; what `admit` refuses
   */
  async accept({ body, ...asked }: OperationRequest, admit?: () => Promise<unknown>): Promise<AcceptedOperation> {
    const opened = await this.#log.open({ ...asked, requestHash: hashOf(body ?? asked.request), message: 'Accepted' });
    if (opened.replayed && (await this.#log.get(asked.operationId)).status !== 'accepted') return opened;
    // Listed before it is answered: the reconciler finds by the listing what was accepted and not started.
    await this.#log.project(opened.accepted);
    try {
      if (admit !== undefined) await this.#admit(opened.accepted, admit);
      await this.drive(opened.accepted);
      return opened;
    } catch (startError) {
      if (startError instanceof Refusal) throw startError;
      return { ...opened, startError };
    }
  }

  /**
   * Cancels an operation: from the moment that the log says so, no step of it can go on. Its execution is stopped, and
   * another one undoes what was done.
   * @throws {Refusal} `operation_over`; `conflict` past the point of no return, or when its undo has begun
   */
  async cancel(operationId: string, by: Commander): Promise<OperationEvent> {
    return this.#command(operationId, {
      type: 'progress',
      status: 'cancelling',
      message: 'Cancelling',
      anotherAttempt: true,
      ...by,
    });
  }

  /**
   * Takes up an undo that failed.
   * @throws {Refusal} `conflict` when the operation is under way, `operation_over` when it ended otherwise
   */
  async retry(operationId: string, by: Commander): Promise<OperationEvent> {
    const last = await this.#log.last(operationId);
    if (!isTerminal(last.status)) {
      throw new Refusal('conflict', `The operation is ${last.status}; only an undo that failed is taken up again.`);
    }
    const error = last.error ?? { code: 'internal', message: 'The undo failed.', retryable: true };
    return this.#command(operationId, {
      type: 'compensating',
      message: 'Undoing again',
      error,
      anotherAttempt: true,
      ...by,
    });
  }

  /**
   * Makes the executions of an operation be what its log says: the newest attempt started, the one before it stopped.
   * What has no attempt left to drive, because it is over, stays as it is.
   */
  async drive({ operationId, kind, tenantId, graphId, attempt, status, message }: OperationEvent): Promise<void> {
    if (isTerminal(status)) return;
    const newest: Attempt = { machine: workflowOf(kind), operationId, attempt };
    if (attempt > 1) await this.#workflows.stop({ ...newest, attempt: attempt - 1 }, message);
    await this.#workflows.start(newest, { operationId, tenantId, graphId });
  }

  async #admit({ operationId }: OperationEvent, admit: () => Promise<unknown>): Promise<void> {
    await admit().catch(async (error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      const { code, message, retryable } = error;
      await this.#log.append(operationId, { type: 'failed', message: 'Refused', error: { code, message, retryable } });
      throw error;
    });
  }

  async #command(operationId: string, draft: Parameters<OperationLog['append']>[1]): Promise<OperationEvent> {
    const event = await this.#log.append(operationId, draft);
    // What can not be reached now is driven by the reconciler.
    await this.drive(event).catch(() => undefined);
    return event;
  }
}

const hashOf = (body: unknown): string =>
  createHash('sha256').update(JSON.stringify(body, withSortedKeys)).digest('hex');

const withSortedKeys = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value;
