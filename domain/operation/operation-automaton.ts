import { Refusal } from '../failure.ts';
import { isTerminal, type OperationInput, type OperationStatus } from './operation.ts';
import {
  CONTROL_PLANE,
  type EventDraft,
  type OperationEvent,
  type OperationEventType,
  type Undo,
} from './operation-event.ts';

const ENDINGS_WITHOUT_SUCCESS = ['failed', 'cancelled', 'timed_out', 'compensation_failed'] as const;

/**
 * Which event may follow in which status. A terminal status has no successor, with one exception: an undo that failed
 * can be taken up again by another execution, because the operation is not whole before it is done.
 */
export const MAY_FOLLOW: Record<OperationStatus, readonly OperationEventType[]> = {
  accepted: ['started', 'progress', 'compensating', ...ENDINGS_WITHOUT_SUCCESS],
  queued: ['started', 'progress', 'compensating', ...ENDINGS_WITHOUT_SUCCESS],
  running: ['progress', 'step_completed', 'compensating', 'succeeded', 'partial', ...ENDINGS_WITHOUT_SUCCESS],
  cancelling: ['progress', 'compensating', ...ENDINGS_WITHOUT_SUCCESS],
  compensating: ['progress', ...ENDINGS_WITHOUT_SUCCESS],
  succeeded: [],
  partial: [],
  failed: [],
  cancelled: [],
  timed_out: [],
  compensation_failed: ['compensating'],
};

/** Where a `progress` event can lead. Out of an undo or a cancellation it leads nowhere: they are the saga's fence. */
const MAY_TURN: Record<OperationStatus, readonly OperationStatus[]> = {
  accepted: ['accepted', 'queued', 'cancelling'],
  queued: ['queued', 'cancelling'],
  running: ['running', 'queued', 'cancelling'],
  cancelling: ['cancelling'],
  compensating: ['compensating'],
  succeeded: [],
  partial: [],
  failed: [],
  cancelled: [],
  timed_out: [],
  compensation_failed: [],
};

/**
 * The event that a draft becomes after `last`, or `undefined` when the log already says it: a step that ran twice,
 * a start or an ending that was repeated.
 * @throws {Refusal} `operation_over` when the operation has ended otherwise, `conflict` when its status forbids the event
 */
export const eventAfter = (last: OperationEvent, draft: EventDraft, at: string): OperationEvent | undefined => {
  const { operationId } = last;
  if (draft.ofAttempt !== undefined && draft.ofAttempt !== last.attempt) {
    throw new Refusal('conflict', 'Another execution of the operation has taken over.', { operationId });
  }
  if (isRepeated(last, draft)) return undefined;
  if (isTerminal(last.status) && !(MAY_FOLLOW[last.status].includes(draft.type) && draft.anotherAttempt)) {
    throw new Refusal('operation_over', `The operation ended ${last.status}.`, { operationId });
  }
  if (!last.cancellable && turnsBack(draft)) {
    throw new Refusal('conflict', 'The operation has done what can not be taken back; it only goes forward now.', {
      operationId,
    });
  }
  if (!MAY_FOLLOW[last.status].includes(draft.type)) {
    throw new Refusal('conflict', `"${draft.type}" can not follow in status "${last.status}".`, { operationId });
  }
  if (draft.type === 'progress' && draft.pointOfNoReturn && last.status !== 'running') {
    throw new Refusal('conflict', `The operation is ${last.status}; it does not go forward.`, { operationId });
  }
  const status = statusAfter(last.status, draft);
  if (draft.type === 'progress' && !MAY_TURN[last.status].includes(status)) {
    throw new Refusal('conflict', `Status "${last.status}" can not turn to "${status}".`, { operationId });
  }
  const input = inputAfter(last, draft);
  const holding = holdingAfter(last, draft);
  const made = ('made' in draft ? draft.made : undefined) ?? last.made;
  return {
    operationId,
    seq: last.seq + 1,
    type: draft.type,
    message: draft.message,
    step: 'step' in draft ? (draft.step ?? null) : null,
    detail: draft.detail ?? {},
    at,
    actor: draft.actor ?? CONTROL_PLANE,
    kind: last.kind,
    tenantId: last.tenantId,
    graphId: last.graphId,
    createdAt: last.createdAt,
    status,
    percent: percentAfter(last.percent, draft),
    completedSteps: draft.type === 'step_completed' ? [...last.completedSteps, draft.step] : last.completedSteps,
    result: 'result' in draft && draft.result !== undefined ? draft.result : last.result,
    error: 'error' in draft ? draft.error : 'result' in draft ? null : last.error,
    attempt: draft.anotherAttempt ? last.attempt + 1 : last.attempt,
    input,
    cancellable: last.cancellable && !('pointOfNoReturn' in draft),
    undo: draft.type === 'compensating' ? (last.undo ?? undoFor(last, draft)) : last.undo,
    ...(!isTerminal(status) && { ...(holding !== undefined && { holding }), ...(made !== undefined && { made }) }),
  };
};

/** It never goes down: a late try does not get the work back. */
const holdingAfter = (last: OperationEvent, draft: EventDraft): number | undefined => {
  const told = 'holding' in draft ? draft.holding : undefined;
  return told === undefined ? last.holding : Math.max(told, last.holding ?? told);
};

const turnsBack = (draft: EventDraft): boolean =>
  draft.type === 'compensating' || (draft.type === 'progress' && draft.status === 'cancelling');

const undoFor = ({ status }: OperationEvent, draft: EventDraft & { type: 'compensating' }): Undo =>
  status === 'cancelling'
    ? { ending: 'cancelled', error: null }
    : { ending: draft.ending ?? 'failed', error: draft.error };

const isRepeated = (last: OperationEvent, draft: EventDraft): boolean => {
  if (draft.type === 'step_completed') return last.completedSteps.includes(draft.step);
  if (draft.type === 'started') return last.status === 'running';
  if (draft.type === 'progress') {
    if (draft.status === 'cancelling') return isBeingCancelled(last);
    if (draft.pointOfNoReturn) return last.status === 'running' && !last.cancellable;
    if (draft.ask !== undefined) return last.input?.question === draft.ask.question;
    return draft.answer !== undefined && last.input?.answer === draft.answer && !isTerminal(last.status);
  }
  return draft.type === last.status;
};

const isBeingCancelled = ({ status, undo }: OperationEvent): boolean =>
  status === 'cancelling' || (status === 'compensating' && undo?.ending === 'cancelled');

const inputAfter = (last: OperationEvent, draft: EventDraft): OperationInput | null => {
  const { input, operationId } = last;
  if (draft.type !== 'progress') return input;
  if (draft.ask !== undefined) return { ...draft.ask, answer: null, answeredBy: null };
  if (draft.answer === undefined) return input;
  if (input === null || last.status !== 'queued') {
    throw new Refusal('conflict', 'The operation does not wait for an answer.', { operationId });
  }
  if (input.answer !== null) {
    throw new Refusal('conflict', `The answer was "${input.answer}" already.`, { operationId });
  }
  if (!input.options.includes(draft.answer)) {
    throw new Refusal('invalid_request', 'The answer is not one of the options.', {
      operationId,
      issues: [{ path: 'answer', message: `Choose one of ${input.options.join(', ')}.` }],
    });
  }
  return { ...input, answer: draft.answer, answeredBy: draft.actor ?? CONTROL_PLANE };
};

const statusAfter = (status: OperationStatus, draft: EventDraft): OperationStatus => {
  switch (draft.type) {
    case 'started':
      return 'running';
    case 'progress':
      return draft.status ?? status;
    case 'step_completed':
      return status;
    default:
      return draft.type;
  }
};

const percentAfter = (percent: number, draft: EventDraft): number => {
  if (draft.type === 'succeeded') return 100;
  const asked = 'percent' in draft ? (draft.percent ?? percent) : percent;
  return Math.min(100, Math.max(percent, asked));
};
