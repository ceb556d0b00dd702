import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../domain/failure.ts';
import { isTerminal, OPERATION_STATUSES, TERMINAL_STATUSES } from '../../domain/operation/operation.ts';
import { eventAfter, MAY_FOLLOW } from '../../domain/operation/operation-automaton.ts';
import type { EventDraft, OperationEvent } from '../../domain/operation/operation-event.ts';
import { eventView } from '../../functions/views/operation-view.ts';
import { acceptedEvent } from '../fixtures/operations.ts';

const AT = '2026-01-01T00:00:01.000Z';
const error = { code: 'internal', message: 'It broke', retryable: true } as const;

const draft: fc.Arbitrary<EventDraft> = fc.oneof(
  fc.record({
    type: fc.constant('started' as const),
    message: fc.string(),
    percent: fc.integer({ min: -10, max: 120 }),
  }),
  fc.record({
    type: fc.constant('progress' as const),
    message: fc.string(),
    percent: fc.integer({ min: -10, max: 120 }),
    status: fc.constantFrom('queued' as const, 'running' as const, 'cancelling' as const),
  }),
  fc.record({
    type: fc.constant('step_completed' as const),
    message: fc.string(),
    step: fc.constantFrom('takeSlot', 'createDatabase', 'publishSnapshot'),
    percent: fc.integer({ min: 0, max: 100 }),
  }),
  fc.record({ type: fc.constant('compensating' as const), message: fc.string(), error: fc.constant(error) }),
  fc.record({
    type: fc.constantFrom('succeeded' as const, 'partial' as const),
    message: fc.string(),
    result: fc.constant({}),
  }),
  fc.record({
    type: fc.constantFrom(
      'failed' as const,
      'cancelled' as const,
      'timed_out' as const,
      'compensation_failed' as const,
    ),
    message: fc.string(),
    error: fc.constant(error),
  }),
);

/** Applies drafts as far as the automaton lets them. */
const logOf = (drafts: EventDraft[]): OperationEvent[] =>
  drafts.reduce<OperationEvent[]>(
    (log, next) => {
      const last = log.at(-1) ?? acceptedEvent();
      try {
        const event = eventAfter(last, next, AT);
        return event === undefined ? log : log.concat(event);
      } catch (refused) {
        expect(refused).toBeInstanceOf(Refusal);
        return log;
      }
    },
    [acceptedEvent()],
  );

describe('an operation log, whatever is appended to it', () => {
  test('has no gap', () => {
    fc.assert(fc.property(fc.array(draft), (drafts) => logOf(drafts).every(({ seq }, at) => seq === at + 1)));
  });

  test('never lets the percentage fall, nor leave 0 to 100', () => {
    fc.assert(
      fc.property(fc.array(draft), (drafts) => {
        const percents = logOf(drafts).map(({ percent }) => percent);
        return percents.every((percent, at) => percent >= (percents[at - 1] ?? 0) && percent <= 100);
      }),
    );
  });

  test('has nothing after a terminal event, but for an undo that is taken up again', () => {
    fc.assert(
      fc.property(fc.array(draft), (drafts) => {
        const log = logOf(drafts);
        return log
          .slice(0, -1)
          .every(
            ({ status }, at) =>
              !isTerminal(status) || (status === 'compensation_failed' && log[at + 1]?.type === 'compensating'),
          );
      }),
    );
  });

  test('completes a step once', () => {
    fc.assert(
      fc.property(fc.array(draft), (drafts) => {
        const steps = logOf(drafts).flatMap(({ type, step }) => (type === 'step_completed' ? [step] : []));
        return new Set(steps).size === steps.length;
      }),
    );
  });

  test('says succeeded only from running, and then 100 percent', () => {
    fc.assert(
      fc.property(fc.array(draft), (drafts) => {
        const log = logOf(drafts);
        return log.every(
          (event, at) => event.type !== 'succeeded' || (log[at - 1]?.status === 'running' && event.percent === 100),
        );
      }),
    );
  });
});

describe('one event after another', () => {
  const running = eventAfter(acceptedEvent(), { type: 'started', message: 'Started' }, AT) as OperationEvent;
  const succeeded = eventAfter(
    running,
    { type: 'succeeded', message: 'Done', result: { graphId: 'kg1' } },
    AT,
  ) as OperationEvent;

  test('no status is without a rule, and no terminal one has a successor but the undo that failed', () => {
    expect(Object.keys(MAY_FOLLOW).sort()).toEqual([...OPERATION_STATUSES].sort());
    for (const status of TERMINAL_STATUSES) {
      expect(MAY_FOLLOW[status]).toEqual(status === 'compensation_failed' ? ['compensating'] : []);
    }
  });

  test('an operation ends as what began its undo says, whatever fails later', () => {
    const cancelling = eventAfter(
      running,
      { type: 'progress', message: 'Cancelling', status: 'cancelling', anotherAttempt: true },
      AT,
    ) as OperationEvent;
    const undoing = eventAfter(cancelling, { type: 'compensating', message: 'Undoing', error }, AT) as OperationEvent;
    expect(undoing).toMatchObject({ attempt: 2, undo: { ending: 'cancelled', error: null } });
    const stuck = eventAfter(undoing, { type: 'compensation_failed', message: 'Stuck', error }, AT) as OperationEvent;
    const again = eventAfter(
      stuck,
      { type: 'compensating', message: 'Again', error, anotherAttempt: true },
      AT,
    ) as OperationEvent;
    expect(again.undo).toEqual({ ending: 'cancelled', error: null });
  });

  test('an undo that failed is taken up by another execution only', () => {
    const undoing = eventAfter(running, { type: 'compensating', message: 'Undoing', error }, AT) as OperationEvent;
    const stuck = eventAfter(undoing, { type: 'compensation_failed', message: 'Stuck', error }, AT) as OperationEvent;
    expect(() => eventAfter(stuck, { type: 'compensating', message: 'Late', error, ofAttempt: 1 }, AT)).toThrow(
      expect.objectContaining({ code: 'operation_over' }),
    );
  });

  test('an execution that another one has replaced says nothing any more', () => {
    const undoing = eventAfter(
      running,
      { type: 'compensating', message: 'Undoing', error, anotherAttempt: true },
      AT,
    ) as OperationEvent;
    for (const type of ['compensating', 'failed', 'compensation_failed'] as const) {
      expect(() => eventAfter(undoing, { type, message: 'Late', error, ofAttempt: 1 }, AT)).toThrow(
        expect.objectContaining({ code: 'conflict' }),
      );
    }
    expect(eventAfter(undoing, { type: 'failed', message: 'Failed', error, ofAttempt: 2 }, AT)).toBeDefined();
  });

  test('past the point of no return an operation is neither cancelled nor undone', () => {
    const past = eventAfter(running, { type: 'progress', message: 'On', pointOfNoReturn: true }, AT) as OperationEvent;
    for (const turn of [
      { type: 'progress', message: 'Cancelling', status: 'cancelling' },
      { type: 'compensating', message: 'Undoing', error },
    ] as const) {
      expect(() => eventAfter(past, turn, AT)).toThrow(expect.objectContaining({ code: 'conflict' }));
    }
    expect(eventAfter(past, { type: 'succeeded', message: 'Done', result: {} }, AT)).toMatchObject({ percent: 100 });
  });

  test('who has the work, and what it has made, is known until the end, and nobody is shown it', () => {
    const handed = eventAfter(running, { type: 'progress', message: 'Handed out again', holding: 7 }, AT);
    const draft = { type: 'progress', message: 'Made', pointOfNoReturn: true, made: { key: 'graphs/kg1/1' } } as const;
    const past = eventAfter(handed as OperationEvent, draft, AT) as OperationEvent;
    const on = eventAfter(past, { type: 'progress', message: 'On' }, AT) as OperationEvent;
    expect(on).toMatchObject({ holding: 7, made: { key: 'graphs/kg1/1' }, detail: {} });
    expect(JSON.stringify([eventView(past), eventView(on)])).not.toContain('graphs/');
    const over = eventAfter(on, { type: 'succeeded', message: 'Done', result: {} }, AT);
    expect(over).not.toHaveProperty('made');
  });

  test('work that was handed out again does not go back to an earlier holding', () => {
    const holdings: (number | undefined)[] = [];
    let last: OperationEvent = running;
    for (const holding of [7, 3, undefined, 9]) {
      const handed = { type: 'progress', message: 'Tried again', ...(holding && { holding }) } as const;
      last = eventAfter(last, handed, AT) as OperationEvent;
      holdings.push(last.holding);
    }
    expect(holdings).toEqual([7, 7, 7, 9]);
  });

  test('the point of no return is passed once, and not by a late step of an operation that is being undone', () => {
    const draft = { type: 'progress', message: 'On', pointOfNoReturn: true } as const;
    const past = eventAfter(running, draft, AT) as OperationEvent;
    expect(eventAfter(past, draft, AT)).toBeUndefined();
    const undoing = eventAfter(running, { type: 'compensating', message: 'Undoing', error }, AT) as OperationEvent;
    const cancelling = eventAfter(running, { type: 'progress', message: 'No', status: 'cancelling' }, AT);
    for (const last of [undoing, cancelling as OperationEvent]) {
      expect(() => eventAfter(last, draft, AT)).toThrow(expect.objectContaining({ code: 'conflict' }));
    }
  });

  test('an ending that is repeated is not an error and not an event', () => {
    expect(eventAfter(succeeded, { type: 'succeeded', message: 'Done again', result: {} }, AT)).toBeUndefined();
  });

  test('an operation that has succeeded refuses to be undone', () => {
    expect(() => eventAfter(succeeded, { type: 'compensating', message: 'Undoing', error }, AT)).toThrow(
      expect.objectContaining({ code: 'operation_over' }),
    );
  });

  test('a late step can not bring an operation back from its undo to success', () => {
    const undoing = eventAfter(running, { type: 'compensating', message: 'Undoing', error }, AT) as OperationEvent;
    expect(() => eventAfter(undoing, { type: 'succeeded', message: 'Done', result: {} }, AT)).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
  });

  test('progress leads neither out of an undo nor out of a cancellation', () => {
    const undoing = eventAfter(running, { type: 'compensating', message: 'Undoing', error }, AT) as OperationEvent;
    const cancelling = eventAfter(
      running,
      { type: 'progress', message: 'Cancelling', status: 'cancelling' },
      AT,
    ) as OperationEvent;
    for (const last of [undoing, cancelling]) {
      expect(() => eventAfter(last, { type: 'progress', message: 'On', status: 'running' }, AT)).toThrow(
        expect.objectContaining({ code: 'conflict' }),
      );
      expect(() => eventAfter(last, { type: 'step_completed', message: 'On', step: 'late' }, AT)).toThrow();
    }
  });

  test('the newest event carries who asked, and what came of it', () => {
    expect(succeeded).toMatchObject({
      tenantId: 'acme',
      kind: 'graph.create',
      result: { graphId: 'kg1' },
      error: null,
    });
  });
});
