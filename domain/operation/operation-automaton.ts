import { Refusal } from '../failure.ts';
import { isTerminal, type OperationStatus } from './operation.ts';
import { CONTROL_PLANE, type EventDraft, type OperationEvent, type OperationEventType } from './operation-event.ts';

const ENDINGS_WITHOUT_SUCCESS = ['failed', 'cancelled', 'timed_out', 'compensation_failed'] as const;
const WORK = ['progress', 'step_completed'] as const;

/** Which event may follow in which status. A terminal status has no successor. */
export const MAY_FOLLOW: Record<OperationStatus, readonly OperationEventType[]> = {
  accepted: ['started', 'progress', 'compensating', ...ENDINGS_WITHOUT_SUCCESS],
  queued: ['started', 'progress', 'compensating', ...ENDINGS_WITHOUT_SUCCESS],
  running: [...WORK, 'compensating', 'succeeded', 'partial', ...ENDINGS_WITHOUT_SUCCESS],
  cancelling: ['progress', 'compensating', ...ENDINGS_WITHOUT_SUCCESS],
  compensating: [...WORK, ...ENDINGS_WITHOUT_SUCCESS],
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
  if (isRepeated(last, draft)) return undefined;
  const { operationId } = last;
  if (isTerminal(last.status)) {
    throw new Refusal('operation_over', `The operation ended ${last.status}.`, { operationId });
  }
  if (!MAY_FOLLOW[last.status].includes(draft.type)) {
    throw new Refusal('conflict', `"${draft.type}" can not follow in status "${last.status}".`, { operationId });
  }
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
    status: statusAfter(last.status, draft),
    percent: percentAfter(last.percent, draft),
    completedSteps: draft.type === 'step_completed' ? [...last.completedSteps, draft.step] : last.completedSteps,
    result: 'result' in draft ? draft.result : last.result,
    error: 'error' in draft ? draft.error : last.error,
  };
};

const isRepeated = (last: OperationEvent, draft: EventDraft): boolean => {
  if (draft.type === 'step_completed') return last.completedSteps.includes(draft.step);
  if (draft.type === 'started') return last.status === 'running';
  return draft.type !== 'progress' && draft.type === last.status;
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
