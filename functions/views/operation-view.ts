import type { AcceptedView, EventView, OperationView } from '../../contract/api/operations.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import type { AcceptedOperation } from '../../domain/operation/operation-commands.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { logger } from '../telemetry/logger.ts';

const linksOf = ({ operationId, graphId }: { operationId: string; graphId: string | null }) => ({
  self: `/v1/operations/${operationId}`,
  events: `/v1/operations/${operationId}/events`,
  cancel: `/v1/operations/${operationId}`,
  ...(graphId !== null && { graph: `/v1/graphs/${graphId}` }),
});

/** 202: where to watch what was accepted. A repeated call gets the very same body. */
export const accepted = ({ accepted: event, replayed, startError }: AcceptedOperation): ApiResponse => {
  const { operationId, kind, graphId } = event;
  if (startError !== undefined) {
    logger.warn('The workflow did not start; the reconciler will start it', {
      operationId,
      error: startError as Error,
    });
  }
  const body: AcceptedView = { operationId, kind, status: 'accepted', graphId, links: linksOf(event) };
  return {
    status: 202,
    headers: { location: `/v1/operations/${operationId}`, ...(replayed && { 'idempotency-replayed': 'true' }) },
    body,
  };
};

export const operationView = (operation: Operation): OperationView => {
  const { tenantId: _tenantId, input, ...content } = operation;
  const asked = operation.status === 'queued' && input?.answer === null ? input : null;
  return {
    ...content,
    queue: null,
    input: asked && { question: asked.question, options: [...asked.options] },
    links: linksOf(operation),
  };
};

/** An event for clients. What ended the operation is part of the event that ended it, as its type's schema says. */
export const eventView = (event: OperationEvent): EventView => {
  const { seq, type, status, percent, message, step, at, detail, result, error } = event;
  const outcome = { ...(result !== null && { result }), ...(error !== null && { error }) };
  return { seq, type, status, percent, message, step, at, detail: { ...detail, ...outcome } } as EventView;
};
