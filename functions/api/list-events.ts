import { listEventsRoute } from '../../contract/api/routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { operationLog } from '../dependencies.ts';
import { type ApiResponse, apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import { eventView } from '../views/operation-view.ts';
import { eventStream, timers } from './event-stream.ts';
import { operationOf } from './tenant-access.ts';

/** GET /v1/operations/{operationId}/events: a page as JSON, or the events as they happen as SSE, by `Accept`. */
export const listEvents =
  (operations: OperationLog) =>
  async ({ tenantId, params, query, header }: ApiRequest<typeof listEventsRoute>): Promise<ApiResponse> => {
    const { operationId } = params;
    const after = lastEventIdFrom(header('last-event-id')) ?? query.after ?? 0;
    const operation = await operationOf(operations, tenantId, operationId);

    if ((header('accept') ?? '').includes('text/event-stream')) {
      // 204 is how SSE tells a browser's EventSource not to connect again.
      if (isTerminal(operation.status) && after >= operation.seq) return { status: 204, body: '' };
      const read = async (seq: number) => (await operations.events(operationId, seq, query.limit)).map(eventView);
      return { status: 200, headers: { 'content-type': 'text/event-stream' }, body: eventStream(read, after, timers) };
    }
    const events = (await operations.events(operationId, after, query.limit)).map(eventView);
    const next = events.at(-1)?.seq ?? after;
    // The operation was read before the page: it can only have gone on since, never back.
    const terminal = isTerminal(events.at(-1)?.status ?? operation.status) && next >= operation.seq;
    return { status: 200, body: { events, next, terminal } };
  };

const lastEventIdFrom = (value: string | undefined): number | undefined => {
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,8}$/.test(value)) return Number(value);
  throw new Refusal('invalid_request', 'The Last-Event-ID is not one of this stream.', {
    issues: [{ path: 'Last-Event-ID', message: 'Send the `id` of the last event that you have, a number.' }],
  });
};

export const handler = apiFunction('list-events', listEventsRoute, (environment) =>
  listEvents(operationLog(environment)),
);
