import type {
  Operation,
  OperationError,
  OperationInput,
  OperationKind,
  OperationStatus,
  TerminalStatus,
} from './operation.ts';

/** The actor of what the control plane does by itself. Other actors are the token's subject. */
export const CONTROL_PLANE = 'graphfleet';

/** Before every holding. */
export const NO_HOLDING = 0;

export type OperationEventType =
  | 'accepted'
  | 'started'
  | 'progress'
  | 'step_completed'
  | 'compensating'
  | TerminalStatus;

/**
 * One fact of an operation. Once it is written it never changes. It carries the operation as of itself, so that the
 * newest event is the whole state and no fold over the log is needed.
 */
export type OperationEvent = {
  operationId: string;
  /** 1, 2, 3 …: no gap; also the SSE id. */
  seq: number;
  type: OperationEventType;
  message: string;
  step: string | null;
  detail: Record<string, unknown>;
  at: string;
  actor: string;

  kind: OperationKind;
  tenantId: string;
  graphId: string | null;
  createdAt: string;
  status: OperationStatus;
  percent: number;
  /** Every step completed up to here: a repeated step is known without reading the log. */
  completedSteps: readonly string[];
  result: Record<string, unknown> | null;
  error: OperationError | null;

  /** How many executions the operation has been given; the newest carries this number in its name. */
  attempt: number;
  /** False once a step has done what can not be taken back: from there the work only goes forward. */
  cancellable: boolean;
  /** What the operation has asked for, and the answer once somebody gave it. */
  input: OperationInput | null;
  /** Since the undo began: how the operation ends when nothing of it is left. */
  undo: Undo | null;
  /**
   * Since its work was handed out again: the holding that has it. What an earlier one has made is not taken any more.
   * {@link NO_HOLDING}: it is to be handed out again.
   */
  holding?: number;
  /** What a job has made, until the end: the steps behind it go on with that. Clients are shown `detail`, and never this. */
  made?: Record<string, unknown>;
};

/** How an undone operation ends, and why it was undone; a cancelled one has no error. */
export type Undo = { ending: 'failed' | 'cancelled' | 'timed_out'; error: OperationError | null };

/** The first event carries what was asked for, so that the log alone can start or repeat the work. */
export type AcceptedEvent = OperationEvent & {
  request: unknown;
  /** SHA-256 of the canonical request: tells a repeated call from a reused key. */
  requestHash: string;
};

type Common = {
  message: string;
  detail?: Record<string, unknown>;
  actor?: string;
  /** Gives the operation another execution: the one before is over, or is to be. */
  anotherAttempt?: true;
  /** Refused once the operation has a later execution than this one: that one says how it goes on. */
  ofAttempt?: number;
};

/** An event before it has its place in the log. */
export type EventDraft =
  | (Common & { type: 'started'; step?: string; percent?: number; holding?: number })
  | (Common & {
      type: 'progress';
      step?: string;
      percent?: number;
      status?: 'queued' | 'running' | 'cancelling';
      /** Asks for an answer. */
      ask?: Pick<OperationInput, 'question' | 'options' | 'scope'>;
      /** Answers what the operation asks. */
      answer?: string;
      /** The next step can not be taken back. */
      pointOfNoReturn?: true;
      made?: Record<string, unknown>;
      holding?: number;
    })
  | (Common & { type: 'step_completed'; step: string; percent?: number; made?: Record<string, unknown> })
  | (Common & { type: 'compensating'; error: OperationError; ending?: 'failed' | 'timed_out' })
  | (Common & { type: 'succeeded' | 'partial'; result: Record<string, unknown> })
  | (Common & { type: 'failed'; error: OperationError | null; result?: Record<string, unknown> })
  | (Common & { type: Exclude<TerminalStatus, 'succeeded' | 'partial' | 'failed'>; error: OperationError | null });

/** The operation as its newest event tells it. */
export const operationAsOf = (event: OperationEvent): Operation => ({
  operationId: event.operationId,
  kind: event.kind,
  tenantId: event.tenantId,
  graphId: event.graphId,
  status: event.status,
  percent: event.percent,
  message: event.message,
  seq: event.seq,
  createdAt: event.createdAt,
  updatedAt: event.at,
  result: event.result,
  error: event.error,
  input: event.input,
});
