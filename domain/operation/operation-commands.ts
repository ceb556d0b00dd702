import { createHash } from 'node:crypto';
import { type FailureOptions, Refusal } from '../failure.ts';
import { isTerminal, type OperationKind, type OperationStatus } from './operation.ts';
import type { EventDraft, OperationEvent } from './operation-event.ts';
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
   * @throws {Refusal} `idempotency_key_reused`; what `admit` refuses, or has refused when the same call came before
   */
  async accept({ body, ...asked }: OperationRequest, admit?: () => Promise<unknown>): Promise<AcceptedOperation> {
    const opened = await this.#log.open({ ...asked, requestHash: hashOf(body ?? asked.request), message: 'Accepted' });
    if (opened.replayed && (await this.#statusOfAdmitted(asked.operationId)) !== 'accepted') return opened;
    // Listed before it is answered: the reconciler finds by the listing what was accepted and not started.
    await this.#log.project(opened.accepted);
    try {
      if (admit === undefined || (await this.#admits(opened.accepted, admit))) await this.drive(opened.accepted);
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

  /** False: while it was refused here, the log went on, so another run of the same call was admitted, or the workflow is. */
  async #admits(accepted: OperationEvent, admit: () => Promise<unknown>): Promise<boolean> {
    try {
      await admit();
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if ((await this.#log.appendAfter(accepted, draftOfRefusal(error))) !== undefined) throw error;
      await this.#statusOfAdmitted(accepted.operationId);
      return false;
    }
  }

  /** @throws {Refusal} the one that the operation ended by before it was admitted */
  async #statusOfAdmitted(operationId: string): Promise<OperationStatus> {
    const last = await this.#log.last(operationId);
    const refusal = refusalIn(last);
    if (refusal !== undefined) throw refusal;
    return last.status;
  }

  async #command(operationId: string, draft: EventDraft): Promise<OperationEvent> {
    const event = await this.#log.append(operationId, draft);
    // What can not be reached now is driven by the reconciler.
    await this.drive(event).catch(() => undefined);
    return event;
  }
}

/** A refusal as the log keeps it, with all that the client was told. */
const draftOfRefusal = ({ code, message, retryable, operationId, issues }: Refusal): EventDraft => {
  const refused: FailureOptions = { ...(operationId !== undefined && { operationId }), issues };
  return { type: 'failed', message: 'Refused', error: { code, message, retryable }, detail: { refused } };
};

const refusalIn = ({ error, detail: { refused } }: OperationEvent): Refusal | undefined =>
  error === null || refused === undefined
    ? undefined
    : new Refusal(error.code, error.message, refused as FailureOptions);

const hashOf = (body: unknown): string =>
  createHash('sha256').update(JSON.stringify(body, withSortedKeys)).digest('hex');

const withSortedKeys = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value;
