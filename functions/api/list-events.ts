import { randomUUID } from 'node:crypto';
import { listEventsRoute } from '../../contract/api/operation-routes.ts';
import { FUNCTIONS } from '../../contract/functions.ts';
import { Refusal, Retryable } from '../../domain/failure.ts';
import type { TenantLimits } from '../../domain/limits/tenant-limits.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import { mustSee } from '../access/operation-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { logger } from '../telemetry/logger.ts';
import { measure } from '../telemetry/metrics.ts';
import { eventStream, timers } from '../views/event-stream.ts';
import { eventView } from '../views/operation-view.ts';
import { auditStore } from '../wiring/audit.ts';
import { tenantLimits } from '../wiring/limits.ts';
import { operationLog } from '../wiring/operation.ts';

/** Counts a stream of a tenant as open, and gives what closes it. */
type OpenStream = (tenantId: string) => Promise<() => Promise<void>>;

/** No stream outlives its function; clocks may differ by a little. */
const LONGEST_MS = (FUNCTIONS['list-events'].timeoutSeconds + 5) * 1_000;

const streamsOf =
  (limits: TenantLimits, most: number): OpenStream =>
  async (tenantId) => {
    const streamId = randomUUID();
    const endsAt = Math.ceil((Date.now() + LONGEST_MS) / 1_000);
    if (await limits.openStream(tenantId, { streamId, endsAt }, most)) {
      measure('StreamOpened', 1);
      return () => limits.closeStream(tenantId, streamId);
    }
    throw new Retryable('limit_reached', `${most} streams are open; close one, or read pages of events.`, {
      delaySeconds: 5,
    });
  };

/**
 * The stream, and `close` once when it came to its end, failed, or nobody reads on. No generator: one that waits for the
 * next event hears only after it that nobody reads on.
 */
const closedAfter = (stream: AsyncGenerator<string>, close: () => Promise<void>): AsyncIterable<string> => {
  let closed: Promise<void> | undefined;
  const over = () => {
    // One that can not be told closed is over by its time.
    closed ??= close().catch((error: unknown) => logger.warn('A stream was not closed', { error: error as Error }));
    return closed;
  };
  const next = async () => {
    const item = await stream.next().catch(async (error: unknown) => {
      // Once it is closed nobody reads on, and nothing has failed.
      if (closed === undefined) measure('StreamFailed', 1);
      await over();
      throw error;
    });
    if (item.done) await over();
    return item;
  };
  const leave = async () => {
    await over();
    return { done: true, value: undefined } as const;
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
};

const lastEventIdFrom = (value: string | undefined): number | undefined => {
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,8}$/.test(value) && value !== '99999999') return Number(value);
  throw new Refusal('invalid_request', 'The Last-Event-ID is not one of this stream.', {
    issues: [{ path: 'Last-Event-ID', message: 'Send the `id` of the last event that you have, a number.' }],
  });
};

/** GET /v1/operations/{operationId}/events: a page as JSON, or the events as they happen as SSE, by `Accept`. */
export const handler = apiFunction('list-events', listEventsRoute, (environment) => {
  const operations = operationLog(environment);
  const openStream = streamsOf(tenantLimits(environment), environment.STREAMS_PER_TENANT);
  const audit = auditStore(environment);
  return async ({ params, query, header, ...caller }) => {
    const { operationId } = params;
    const after = lastEventIdFrom(header('last-event-id')) ?? query.after ?? 0;
    const page = await operations.events(operationId, after, query.limit);
    // A page tells whose it is, and how far the operation is; an empty one does not.
    const newest = page.at(-1) ?? (await operations.get(operationId));
    await mustSee(audit, listEventsRoute, caller, newest);
    const terminal = isTerminal(newest.status) && (page.length > 0 || after >= newest.seq);

    if (!(header('accept') ?? '').includes('text/event-stream')) {
      const next = page.at(-1)?.seq ?? after;
      return { status: 200, body: { events: page.map(eventView), next, terminal } };
    }
    // 204 is how SSE tells a browser's EventSource not to connect again.
    if (terminal && page.length === 0) return { status: 204, body: '' };
    const close = terminal ? async () => {} : await openStream(caller.tenantId);
    let ahead: OperationEvent[] | undefined = page;
    let left = false;
    const read = async (seen: number) => {
      if (left) throw new Error('Nobody reads on.');
      const events = ahead ?? (await operations.events(operationId, seen, query.limit));
      ahead = undefined;
      return events.map(eventView);
    };
    const body = closedAfter(eventStream(read, after, timers), async () => {
      left = true;
      await close();
    });
    return { status: 200, headers: { 'content-type': 'text/event-stream' }, body };
  };
});
