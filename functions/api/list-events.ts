import { listEventsRoute } from '../../contract/api/routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { eventView } from '../views/operation-view.ts';
import { eventStream, timers } from './event-stream.ts';
import { noOperation } from './tenant-access.ts';

/** GET /v1/operations/{operationId}/events: a page as JSON, or the events as they happen as SSE, by `Accept`. */
export const listEvents =
  (operations: OperationLog) =>
  async ({ tenantId, params, query, header }: ApiRequest<typeof listEventsRoute>): Promise<ApiResponse> => {
    const { operationId } = params;
    const after = lastEventIdFrom(header('last-event-id')) ?? query.after ?? 0;
    const page = await operations.events(operationId, after, query.limit);
    // A page tells whose it is, and how far the operation is; an empty one does not.
    const newest = page.at(-1) ?? (await operations.get(operationId));
    if (newest.tenantId !== tenantId) throw noOperation(operationId);
    const terminal = isTerminal(newest.status) && (page.length > 0 || after >= newest.seq);

    if (!(header('accept') ?? '').includes('text/event-stream')) {
      const next = page.at(-1)?.seq ?? after;
      return { status: 200, body: { events: page.map(eventView), next, terminal } };
    }
    // 204 is how SSE tells a browser's EventSource not to connect again.
    if (terminal && page.length === 0) return { status: 204, body: '' };
    let ahead: OperationEvent[] | undefined = page;
    const read = async (seen: number) => {
      const events = ahead ?? (await operations.events(operationId, seen, query.limit));
      ahead = undefined;
      return events.map(eventView);
    };
    return { status: 200, headers: { 'content-type': 'text/event-stream' }, body: eventStream(read, after, timers) };
  };

const lastEventIdFrom = (value: string | undefined): number | undefined => {
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,8}$/.test(value) && value !== '99999999') return Number(value);
  throw new Refusal('invalid_request', 'The Last-Event-ID is not one of this stream.', {
    issues: [{ path: 'Last-Event-ID', message: 'Send the `id` of the last event that you have, a number.' }],
  });
};

export const handler = apiFunction('list-events', listEventsRoute, (environment) =>
  listEvents(operationLog(environment)),
);
