import { isTerminal } from '../operation/operation.ts';
import { CONTROL_PLANE, type OperationEvent } from '../operation/operation-event.ts';
import type { AuditEntry } from './audit.ts';

/** Whether an event of an operation is an entry of the audit: somebody's command, or how it ended. */
export const isAudited = ({ seq, type, status, actor }: OperationEvent): boolean =>
  seq === 1 || actor !== CONTROL_PLANE || (isTerminal(status) && type === status);

/** The id of the entry that an event is. */
export const auditIdOf = ({ operationId, seq }: OperationEvent): string =>
  `${operationId}#${String(seq).padStart(8, '0')}`;

/** The entry that an event is. */
export const auditEntryOf = (event: OperationEvent): AuditEntry => ({
  auditId: auditIdOf(event),
  at: event.at,
  type: isTerminal(event.status) ? 'outcome' : 'command',
  tenantId: event.tenantId,
  actor: event.actor,
  action: actionOf(event),
  operationId: event.operationId,
  graphId: event.graphId,
  outcome: event.status,
  detail: event.detail['byOperator'] === true ? `${event.message} (by an operator)` : event.message,
});

const actionOf = ({ type, status, kind }: OperationEvent): string => {
  if (status === 'cancelling') return 'operation.cancel';
  if (type === 'compensating') return 'operation.retry';
  return type === 'progress' ? 'operation.resume' : kind;
};
