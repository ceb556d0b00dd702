import * as z from 'zod';
import { isTerminal, OPERATION_KINDS, OPERATION_STATUSES } from '../../domain/operation/operation.ts';
import type { OperationEventType } from '../../domain/operation/operation-event.ts';
import { Cursor, Limit, pageOf, Timestamp } from './common.ts';

export const OperationPath = z.strictObject({ operationId: z.string().regex(/^op_[0-9A-Z]{26}$/) });

const Links = z.strictObject({
  self: z.string(),
  events: z.string(),
  cancel: z.string(),
  graph: z.string().optional(),
});

export const AcceptedView = z
  .strictObject({
    operationId: z.string(),
    kind: z.enum(OPERATION_KINDS),
    status: z.literal('accepted'),
    graphId: z.string().nullable(),
    links: Links,
  })
  .meta({ id: 'Accepted' });
export type AcceptedView = z.infer<typeof AcceptedView>;

export const OperationErrorView = z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() });

export const OperationView = z
  .strictObject({
    operationId: z.string(),
    kind: z.enum(OPERATION_KINDS),
    status: z.enum(OPERATION_STATUSES),
    percent: z.number().min(0).max(100),
    message: z.string(),
    graphId: z.string().nullable(),
    seq: z.int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    result: z.record(z.string(), z.unknown()).nullable(),
    error: OperationErrorView.nullable(),
    queue: z
      .strictObject({
        position: z.int().min(1).meta({ description: 'Counted from 1; 500 stands for that place or a later one.' }),
      })
      .nullable(),
    input: z
      .strictObject({ question: z.string(), options: z.array(z.string()) })
      .nullable()
      .meta({ description: 'What the operation waits for an answer to; answer with `resume`.' }),
    links: Links,
  })
  .meta({ id: 'Operation' });
export type OperationView = z.infer<typeof OperationView>;

export const ListOperations = z.strictObject({
  kind: z.enum(OPERATION_KINDS).optional(),
  status: z.enum(OPERATION_STATUSES).optional(),
  graphId: z.string().optional(),
  fleet: z.stringbool().default(false).meta({ description: "True: the fleet's own operations; needs `fleet:read`." }),
  limit: Limit,
  cursor: Cursor,
});
export const OperationPage = pageOf('operations', OperationView).meta({ id: 'OperationPage' });

const Detail = z.looseObject({});
const Result = z.looseObject({ result: z.record(z.string(), z.unknown()) });
const Failed = z.looseObject({ error: OperationErrorView });
const GOES_ON = OPERATION_STATUSES.filter((status) => !isTerminal(status));

/** The schema of a type of events: the status that it leaves the operation in, its step, and what its detail tells. */
const eventOf = <
  Type extends OperationEventType,
  Status extends z.ZodType,
  Step extends z.ZodType,
  Told extends z.ZodType,
>(
  type: Type,
  { status, step, detail }: { status: Status; step: Step; detail: Told },
) =>
  z
    .strictObject({
      seq: z.int().min(1),
      type: z.literal(type),
      status,
      percent: z.number().min(0).max(100),
      message: z.string(),
      step,
      at: Timestamp,
      detail,
    })
    .meta({ id: `${type.replaceAll(/(^|_)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Event` });

const noStep = z.null();
const anyStep = z.string().nullable();

/** An event of an operation, by its type. */
export const EventView = z
  .discriminatedUnion('type', [
    eventOf('accepted', { status: z.literal('accepted'), step: noStep, detail: Detail }),
    eventOf('started', { status: z.literal('running'), step: anyStep, detail: Detail }),
    eventOf('progress', { status: z.enum(GOES_ON), step: anyStep, detail: Detail }),
    eventOf('step_completed', { status: z.literal('running'), step: z.string(), detail: Detail }),
    eventOf('compensating', { status: z.literal('compensating'), step: noStep, detail: Failed }),
    eventOf('succeeded', { status: z.literal('succeeded'), step: noStep, detail: Result }),
    eventOf('partial', { status: z.literal('partial'), step: noStep, detail: Result }),
    eventOf('failed', { status: z.literal('failed'), step: noStep, detail: Failed }),
    eventOf('cancelled', { status: z.literal('cancelled'), step: noStep, detail: Detail }),
    eventOf('timed_out', { status: z.literal('timed_out'), step: noStep, detail: Failed }),
    eventOf('compensation_failed', { status: z.literal('compensation_failed'), step: noStep, detail: Failed }),
  ])
  .meta({ id: 'OperationEvent' });
export type EventView = z.infer<typeof EventView>;

/** A seq has eight digits in the log's keys. */
const MAX_SEQ = 99_999_998;

export const ListEvents = z.strictObject({
  after: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_SEQ)
    .optional()
    .meta({ description: 'Events with a greater seq only.' }),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});
export const EventPage = z
  .strictObject({
    events: z.array(EventView),
    next: z.int().meta({ description: 'Ask for the events after this seq next.' }),
    terminal: z.boolean().meta({ description: 'True: no event will follow the last of this page.' }),
  })
  .meta({ id: 'EventPage' });
