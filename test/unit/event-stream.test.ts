import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventView } from '../../contract/api/operations.ts';
import { eventStream } from '../../functions/views/event-stream.ts';

const event = (seq: number, last: number): EventView => ({
  seq,
  ...(seq === last
    ? { type: 'succeeded', status: 'succeeded', detail: { result: {} } }
    : { type: 'progress', status: 'running', detail: {} }),
  percent: 0,
  message: `event ${seq}`,
  step: null,
  at: '2026-01-01T00:00:00.000Z',
});

/** A clock that runs only while somebody sleeps. */
const fakeTimers = () => {
  let now = 0;
  return {
    now: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
  };
};

const textOf = async (stream: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
};

const idsIn = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe('a stream of events', () => {
  test('cut after any event and resumed by its id, has no gap and no duplicate, however the log grows meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 10 }),
        async (length, growth, cuts) => {
          let written = 0;
          let turn = 0;
          const read = async (after: number) => {
            written = Math.min(length, written + (growth[turn++ % growth.length] ?? 0) + (turn % 7 === 0 ? 1 : 0));
            return Array.from({ length: Math.max(0, written - after) }, (_, at) => event(after + at + 1, length));
          };
          const received: number[] = [];
          for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
            let events = 0;
            for await (const chunk of eventStream(read, received.at(-1) ?? 0, fakeTimers())) {
              const ids = idsIn(chunk).slice(0, cut - events);
              received.push(...ids);
              events += ids.length;
              if (events >= cut) break;
            }
            if (received.at(-1) === length) break;
          }
          expect(received).toEqual(Array.from({ length }, (_, at) => at + 1));
        },
      ),
    );
  });

  test('tells the client when to come back, and ends after the terminal event', async () => {
    const text = await textOf(
      eventStream(async (after) => (after === 0 ? [event(1, 2), event(2, 2)] : []), 0, fakeTimers()),
    );
    expect(text.startsWith('retry: 1000\n\nid: 1\nevent: progress\ndata: {"seq":1,')).toBe(true);
    expect(text.endsWith('event: end\ndata: {}\n\n')).toBe(true);
  });

  test('pings every 15 s of silence and ends after 90 s', async () => {
    const timers = fakeTimers();
    const text = await textOf(eventStream(async () => [], 0, timers));
    expect(text.match(/^: ping$/gm)?.length).toBeGreaterThanOrEqual(5);
    expect(timers.now()).toBeGreaterThanOrEqual(90_000);
    expect(timers.now()).toBeLessThan(92_000);
  });

  test('reads seldom when nothing happens', async () => {
    let reads = 0;
    await textOf(
      eventStream(
        async () => {
          reads += 1;
          return [];
        },
        0,
        fakeTimers(),
      ),
    );
    expect(reads).toBeLessThan(150);
  });
});
