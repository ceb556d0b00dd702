import * as z from 'zod';
import { OPERATION_KINDS, OPERATION_STATUSES } from '../../domain/operation/operation.ts';
import { EVENT_TYPES } from '../../domain/operation/operation-event.ts';
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
    error: z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
    queue: z.strictObject({ position: z.int() }).nullable(),
    links: Links,
  })
  .meta({ id: 'Operation' });
export type OperationView = z.infer<typeof OperationView>;

export const ListOperations = z.strictObject({
  kind: z.enum(OPERATION_KINDS).optional(),
  status: z.enum(OPERATION_STATUSES).optional(),
  graphId: z.string().optional(),
  limit: Limit,
  cursor: Cursor,
});
export const OperationPage = pageOf('operations', OperationView).meta({ id: 'OperationPage' });

export const EventView = z
  .strictObject({
    seq: z.int(),
    type: z.enum(EVENT_TYPES),
    status: z.enum(OPERATION_STATUSES),
    percent: z.number(),
    message: z.string(),
    step: z.string().nullable(),
    at: Timestamp,
    detail: z.record(z.string(), z.unknown()),
  })
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
