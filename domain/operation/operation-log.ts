import { Refusal } from '../failure.ts';
import type { Page, PageRequest, Span } from '../page.ts';
import { isTerminal, type Operation, type OperationKind } from './operation.ts';
import { eventAfter } from './operation-automaton.ts';
import { type AcceptedEvent, type EventDraft, type OperationEvent, operationAsOf } from './operation-event.ts';
import type { OperationFilter, OperationStore, OperationTimes } from './operation-store.ts';

/** A request to do something, before it enters the log. */
export type OpenOperation = {
  operationId: string;
  kind: OperationKind;
  tenantId: string;
  graphId: string | null;
  request: unknown;
  requestHash: string;
  message: string;
  actor: string;
  detail?: Record<string, unknown>;
};

/** The event that opened the operation, and whether an earlier call wrote it. */
export type OpenedOperation = { accepted: AcceptedEvent; replayed: boolean };

/** Who wants to hear of the log. */
export type LogListener = {
  /** An event was appended; `again`: it was there, and perhaps nobody has heard of it. */
  appended?: (event: OperationEvent, how: { again: boolean }) => void;
  /** One could not be appended, for another reason than that the log refused it. */
  failed?: () => void;
};

/**
 * The operation log: append-only, gapless, terminal events sticky. It is the truth of an operation; the projection
 * exists to be listed, and moves when the status changes.
 */
export class OperationLog {
  readonly #store: OperationStore;
  readonly #now: () => Date;
  readonly #listener: LogListener;

  constructor(
    store: OperationStore,
    { now = () => new Date(), listener = {} }: { now?: () => Date; listener?: LogListener } = {},
  ) {
    this.#store = store;
    this.#now = now;
    this.#listener = listener;
  }

  /**
   * Opens an operation, or finds the one that the same request opened before. It is not listed until {@link project}.
   * @throws {Refusal} `idempotency_key_reused` when the id belongs to another request
   */
  async open({ message, actor, detail = {}, ...request }: OpenOperation): Promise<OpenedOperation> {
    const at = this.#now().toISOString();
    const accepted: AcceptedEvent = {
      ...request,
      seq: 1,
      type: 'accepted',
      message,
      step: null,
      detail,
      at,
      actor,
      createdAt: at,
      status: 'accepted',
      percent: 0,
      completedSteps: [],
      result: null,
      error: null,
      attempt: 1,
      cancellable: true,
      input: null,
      undo: null,
    };
    if (await this.#put(accepted)) return { accepted, replayed: false };

    const first = await this.first(request.operationId);
    const isSame = (['kind', 'graphId', 'requestHash'] as const).every((field) => first[field] === request[field]);
    if (!isSame) {
      throw new Refusal(
        'idempotency_key_reused',
        'This Idempotency-Key came with another request before. Send that body again, or take a new key.',
        { operationId: request.operationId },
      );
    }
    return { accepted: first, replayed: true };
  }

  /** Moves the listing to where the log is, for one that was found behind. */
  async catchUp(operationId: string): Promise<Operation> {
    const last = await this.last(operationId);
    await this.project(last);
    return operationAsOf(last);
  }

  /** Makes an event's operation visible in listings as of that event. Repeating it is harmless. */
  async project(event: OperationEvent): Promise<void> {
    await this.#store.moveProjection(operationAsOf(event));
  }

  /**
   * Appends what a draft says, unless the log says it already.
   * The predecessor is immutable, so a check against it still holds when the put at `seq + 1` succeeds.
   * @param known the newest event that the caller knows of; saves the read when nobody else wrote meanwhile
   * @returns the newest event: the appended one, or the one that made the draft a repetition
   * @throws {Refusal} `operation_over`, `conflict` (see {@link eventAfter}), `not_found`
   */
  async append(operationId: string, draft: EventDraft, known?: OperationEvent): Promise<OperationEvent> {
    let last = known ?? (await this.last(operationId));
    for (;;) {
      const event = eventAfter(last, draft, this.#now().toISOString());
      if (event === undefined) {
        // Whoever wrote it may have died before the listing was moved.
        await this.project(last);
        this.#listener.appended?.(last, { again: true });
        return last;
      }
      if (await this.#put(event)) {
        if (event.status !== last.status) await this.project(event);
        this.#listener.appended?.(event, { again: false });
        return event;
      }
      last = await this.last(operationId);
    }
  }

  /**
   * Appends what a draft says if `last` is still the newest event: for whoever acts on what it read there.
   * @returns undefined when the log has gone on, or says it already
   * @throws {Refusal} `operation_over`, `conflict`
   */
  async appendAfter(last: OperationEvent, draft: EventDraft): Promise<OperationEvent | undefined> {
    const event = eventAfter(last, draft, this.#now().toISOString());
    if (event === undefined || !(await this.#put(event))) return undefined;
    if (event.status !== last.status) await this.project(event);
    this.#listener.appended?.(event, { again: false });
    return event;
  }

  /**
   * The operation as of its newest event.
   * @throws {Refusal} `not_found`
   */
  async get(operationId: string): Promise<Operation> {
    return operationAsOf(await this.last(operationId));
  }

  /** The operation as of its newest event, if there is one. */
  async find(operationId: string): Promise<Operation | undefined> {
    const last = await this.#store.readLast(operationId);
    return last && operationAsOf(last);
  }

  /**
   * The event that opened the operation, with the request.
   * @throws {Refusal} `not_found`
   */
  async first(operationId: string): Promise<AcceptedEvent> {
    return (await this.#store.readFirst(operationId)) ?? unknownOperation(operationId);
  }

  /**
   * The event that opened the operation, for whoever has read the newest one: often they are the same.
   * @throws {Refusal} `not_found`
   */
  async firstBefore(last: OperationEvent): Promise<AcceptedEvent> {
    return 'request' in last ? (last as AcceptedEvent) : this.first(last.operationId);
  }

  /** Events with a greater seq than `after`, in order, at most `limit`. */
  async events(operationId: string, after: number, limit: number): Promise<OperationEvent[]> {
    return this.#store.readEvents(operationId, after, limit);
  }

  /** A tenant's operations, newest first, each as of its newest event; a page can hold fewer than its limit. */
  async list(tenantId: string, filter: OperationFilter, page: PageRequest): Promise<Page<Operation>> {
    const { items, cursor } = await this.#store.listByTenant(tenantId, filter, page);
    const current = items.map(async (item) => (isTerminal(item.status) ? item : this.get(item.operationId)));
    // The listing may lag behind: what has another status by now is not what was asked for.
    const found = (await Promise.all(current)).filter(({ status }) => status === (filter.status ?? status));
    return { items: found, cursor };
  }

  /** A tenant's operations of a span of time as they were listed, newest first. */
  async listInSpan(tenantId: string, span: Span, page: PageRequest): Promise<Page<OperationTimes>> {
    return this.#store.listInSpan(tenantId, span, page);
  }

  /** The operations that are not over, of all tenants, oldest first, as they were listed. */
  async listOpen(page: PageRequest): Promise<Page<Operation>> {
    return this.#store.listOpen(page);
  }

  /** The operations whose undo failed, of all tenants, oldest first. */
  async listUndoFailed(page: PageRequest): Promise<Page<Operation>> {
    return this.#store.listUndoFailed(page);
  }

  /**
   * The newest event, which tells all that is so.
   * @throws {Refusal} `not_found`
   */
  async last(operationId: string): Promise<OperationEvent> {
    return (await this.#store.readLast(operationId)) ?? unknownOperation(operationId);
  }

  async #put(event: OperationEvent): Promise<boolean> {
    try {
      return await this.#store.putEvent(event);
    } catch (error) {
      this.#listener.failed?.();
      throw error;
    }
  }
}

const unknownOperation = (operationId: string): never => {
  throw new Refusal('not_found', `There is no operation "${operationId}".`);
};
