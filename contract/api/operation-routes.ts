import * as z from 'zod';
import { OPERATION_KINDS, OPERATION_STATUSES } from '../../domain/operation/operation.ts';
import { SpanQuery, Timestamp } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { EventPage, ListEvents, ListOperations, OperationPage, OperationPath, OperationView } from './operations.ts';
import type { Route } from './route.ts';

export const listOperationsRoute = defineRoute({
  ...plain,
  function: 'list-operations',
  method: 'GET',
  path: '/v1/operations',
  summary: "List the tenant's operations, newest first",
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  query: ListOperations,
  answers: { 200: { description: 'A page of operations.', schema: OperationPage } },
});

export const getOperationRoute = defineRoute({
  ...plain,
  function: 'get-operation',
  method: 'GET',
  path: '/v1/operations/{operationId}',
  summary: 'Get an operation',
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  params: OperationPath,
  answers: { 200: { description: 'The operation as of its newest event.', schema: OperationView } },
});

export const listEventsRoute = defineRoute({
  ...plain,
  function: 'list-events',
  method: 'GET',
  path: '/v1/operations/{operationId}/events',
  summary: 'Follow an operation: a page of its events, or all of them live',
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  params: OperationPath,
  query: ListEvents,
  streams: true,
  answers: {
    200: {
      description:
        'A page of events; or, with `Accept: text/event-stream`, events as they happen, until the terminal one or for 90 s. Resume with `Last-Event-ID`.',
      schema: EventPage,
      contentTypes: ['application/json', 'text/event-stream'],
    },
    204: { description: 'Only with `Accept: text/event-stream`: there is no event behind the last one that you have.' },
  },
});

const command = { ...plain, scope: 'graphs:write', operatorScope: 'fleet:operate', params: OperationPath } as const;

export const cancelOperationRoute = defineRoute({
  ...command,
  function: 'cancel-operation',
  method: 'DELETE',
  path: '/v1/operations/{operationId}',
  summary: 'Cancel an operation: what it did is undone',
  answers: { 202: { description: 'It is being cancelled; watch it.', schema: OperationView } },
});

export const retryOperationRoute = defineRoute({
  ...command,
  function: 'retry-operation',
  method: 'POST',
  path: '/v1/operations/{operationId}/retry',
  summary: 'Take up the undo of an operation that ended `compensation_failed`',
  answers: { 202: { description: 'It is being undone again; watch it.', schema: OperationView } },
});

const ResumeOperation = z.strictObject({ answer: z.string().min(1).max(100) }).meta({ id: 'ResumeOperation' });

export const resumeOperationRoute = defineRoute({
  ...command,
  function: 'resume-operation',
  method: 'POST',
  path: '/v1/operations/{operationId}/resume',
  summary: 'Answer what an operation waits for; the first answer counts',
  body: ResumeOperation,
  answers: { 202: { description: 'Answered; the operation goes on.', schema: OperationView } },
});

const Milliseconds = z.int().min(0);
export const OperationStatistics = z
  .strictObject({
    from: Timestamp,
    to: Timestamp,
    complete: z
      .boolean()
      .meta({ description: 'False: there are more operations than are looked at; ask for less time.' }),
    statistics: z.array(
      z.strictObject({
        kind: z.enum(OPERATION_KINDS),
        status: z.enum(OPERATION_STATUSES),
        count: z.int(),
        durationMs: z
          .strictObject({ p50: Milliseconds, p95: Milliseconds, max: Milliseconds })
          .nullable()
          .meta({ description: 'From acceptance to end; null while they are not over.' }),
      }),
    ),
  })
  .meta({ id: 'OperationStatistics' });
export type OperationStatistics = z.infer<typeof OperationStatistics>;

export const getOperationStatisticsRoute = defineRoute({
  ...plain,
  function: 'get-operation-statistics',
  method: 'GET',
  path: '/v1/operations/statistics',
  summary: "Count the tenant's operations of a span of time, with their durations, by kind and status",
  scope: 'graphs:read',
  query: SpanQuery,
  answers: { 200: { description: 'The statistics.', schema: OperationStatistics } },
});

export const OPERATION_ROUTES: readonly Route[] = [
  listOperationsRoute,
  getOperationRoute,
  listEventsRoute,
  getOperationStatisticsRoute,
  cancelOperationRoute,
  retryOperationRoute,
  resumeOperationRoute,
];
