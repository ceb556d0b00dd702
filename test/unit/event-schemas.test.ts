import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openApiDocument } from '../../contract/api/open-api.ts';
import { EventView } from '../../contract/api/operations.ts';
import { Refusal } from '../../domain/failure.ts';
import { eventAfter } from '../../domain/operation/operation-automaton.ts';
import type { EventDraft, OperationEvent, OperationEventType } from '../../domain/operation/operation-event.ts';
import { eventView } from '../../functions/views/operation-view.ts';
import { acceptedEvent } from '../fixtures/operations.ts';

const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const ask = { question: 'May it?', options: ['yes', 'no'], scope: 'fleet:operate' } as const;

/** Every kind of thing that can be written to a log. */
const DRAFTS: readonly EventDraft[] = [
  { type: 'started', step: 'takeSlot', percent: 10, message: 'Started' },
  { type: 'progress', message: 'On' },
  { type: 'progress', status: 'queued', message: 'Waits' },
  { type: 'progress', status: 'queued', message: 'May it?', ask, detail: { waitsFor: { question: 'May it?' } } },
  { type: 'progress', message: 'Answered', answer: 'yes', actor: 'olga' },
  { type: 'progress', status: 'cancelling', message: 'Cancelling', anotherAttempt: true },
  { type: 'step_completed', step: 'build', percent: 50, message: 'Built' },
  { type: 'compensating', message: 'Undoing', error, anotherAttempt: true },
  { type: 'succeeded', message: 'Done', result: { graphId: 'kg1' } },
  { type: 'partial', message: 'Almost', result: { rows: 3 } },
  { type: 'failed', message: 'Failed', error },
  { type: 'cancelled', message: 'Cancelled', error: null },
  { type: 'timed_out', message: 'Timed out', error },
  { type: 'compensation_failed', message: 'A person is needed', error },
];

const after = (last: OperationEvent, draft: EventDraft): OperationEvent | undefined => {
  try {
    return eventAfter(last, draft, '2026-01-01T00:00:01.000Z');
  } catch (refusal) {
    if (refusal instanceof Refusal) return undefined;
    throw refusal;
  }
};

test('whatever is written to a log, each of its events is as the schema of its type says', () => {
  const seen = new Set<OperationEventType>();
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...DRAFTS), { maxLength: 12 }), (drafts) => {
      const log: OperationEvent[] = [acceptedEvent()];
      for (const draft of drafts) {
        const next = after(log.at(-1) ?? acceptedEvent(), draft);
        if (next !== undefined) log.push(next);
      }
      for (const event of log) {
        seen.add(event.type);
        expect(EventView.safeParse(eventView(event))).toMatchObject({ success: true });
      }
    }),
    { numRuns: 2_000 },
  );
  expect([...seen].sort()).toEqual([...TYPES].sort());
});

const TYPES = EventView.options.map(({ shape }) => shape.type.value);

describe('the OpenAPI document', () => {
  test('has a schema for each type of event, told apart by `type`', () => {
    const { components } = openApiDocument() as {
      components: { schemas: Record<string, { oneOf?: { $ref: string }[]; discriminator?: { propertyName: string } }> };
    };
    const union = components.schemas['OperationEvent'];
    expect(union?.oneOf).toHaveLength(TYPES.length);
    for (const { $ref } of union?.oneOf ?? []) {
      expect(components.schemas[$ref.split('/').at(-1) ?? '']).toMatchObject({ additionalProperties: false });
    }
  });
});
