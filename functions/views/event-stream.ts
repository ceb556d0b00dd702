import { setTimeout as sleep } from 'node:timers/promises';
import type { EventView } from '../../contract/api/operations.ts';
import { isTerminal } from '../../domain/operation/operation.ts';

/** Time as the stream sees it; passed in, so that a test needs no waiting. */
export type Timers = { now(): number; sleep(milliseconds: number): Promise<void> };

export const timers: Timers = {
  now: () => performance.now(),
  sleep: async (milliseconds) => void (await sleep(milliseconds)),
};

const STREAM_MS = 90_000;
const PING_MS = 15_000;
const RECONNECT_MS = 1_000;
const SHORTEST_WAIT_MS = 75;
const LONGEST_WAIT_MS = 1_000;

/**
 * An operation's events as server-sent events, from the one after `after` to the terminal one, or for 90 s; the client
 * then resumes with the last id that it saw. Each read continues where the one before ended, so nothing is sent twice
 * and nothing is skipped. Reads are frequent while events come and grow rare while they do not: the wait is an eighth
 * of the silence so far. A store that answers slowly is asked less: up to a second, a wait is at least
 * four times as long as the last read.
 */
export async function* eventStream(
  read: (after: number) => Promise<EventView[]>,
  after: number,
  { now, sleep }: Timers,
): AsyncGenerator<string> {
  const end = now() + STREAM_MS;
  let seen = after;
  let lastEventAt = now();
  let lastSentAt = now();
  yield `retry: ${RECONNECT_MS}\n\n`;
  while (now() < end) {
    const askedAt = now();
    const events = await read(seen);
    const readMs = now() - askedAt;
    if (events.length > 0) {
      yield events.map(serverSentEvent).join('');
      seen = events.at(-1)?.seq ?? seen;
      lastEventAt = lastSentAt = now();
      if (events.some(({ status }) => isTerminal(status))) {
        yield 'event: end\ndata: {}\n\n';
        return;
      }
    } else if (now() - lastSentAt >= PING_MS) {
      yield ': ping\n\n';
      lastSentAt = now();
    }
    await sleep(Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, (now() - lastEventAt) / 8, 4 * readMs)));
  }
}

const serverSentEvent = (event: EventView): string =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
