import * as z from 'zod';
import { FAILURE_STATUS, type FailureCode } from '../../domain/failure.ts';

export const Timestamp = z.iso.datetime().meta({ description: 'RFC 3339, UTC' });

export const Limit = z.coerce.number().int().min(1).max(100).default(20);
export const Cursor = z.string().max(2_000).optional().meta({ description: 'The `cursor` of the page before.' });

/** A switch in a query string. */
export const Switch = z.enum(['true', 'false']).transform((value) => value === 'true');

/** A span of time, the last moment not included. */
export const SpanQuery = z.strictObject({
  from: z.iso
    .datetime()
    .optional()
    .meta({ description: 'The first moment, RFC 3339, UTC. Without: a week before `to`.' }),
  to: z.iso.datetime().optional().meta({ description: 'The moment after the last. Without: now.' }),
});

/** A page of a listing under the listing's own name. */
export const pageOf = <Name extends string, Item extends z.ZodType>(name: Name, item: Item) =>
  z.strictObject({
    [name]: z.array(item),
    cursor: z.string().nullable().meta({
      description: 'Asks for the next page; null on the last. A page can be short, or empty, and have a cursor.',
    }),
  } as Record<Name, z.ZodArray<Item>> & {
    cursor: z.ZodNullable<z.ZodString>;
  });

const codes = Object.keys(FAILURE_STATUS) as [FailureCode, ...FailureCode[]];

/** RFC 9457 problem details, with a code from a closed list. */
export const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(codes),
    detail: z.string(),
    retryable: z.boolean(),
    operationId: z.string().optional(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

/** A problem body for a code. */
export const problemOf = (
  code: FailureCode,
  detail: string,
  more: Partial<Pick<Problem, 'retryable' | 'operationId' | 'errors'>> = {},
): Problem => ({
  type: `urn:graphfleet:problem:${code}`,
  title: TITLES[code],
  status: FAILURE_STATUS[code],
  code,
  detail,
  retryable: more.retryable ?? false,
  ...(more.operationId !== undefined && { operationId: more.operationId }),
  ...(more.errors !== undefined && more.errors.length > 0 && { errors: more.errors }),
});

const TITLES: Record<FailureCode, string> = {
  invalid_request: 'The request is not valid',
  read_only: 'Queries can only read',
  query_failed: 'The query failed',
  unauthorized: 'A valid bearer token is needed',
  payment_required: 'A live subscription is needed',
  forbidden: 'This is not allowed',
  not_found: 'There is no such thing',
  query_timeout: 'The query took too long',
  conflict: 'Another change is in the way',
  operation_over: 'The operation is over',
  graph_not_ready: 'The graph is not ready',
  too_large: 'The request is too large',
  idempotency_key_reused: 'The Idempotency-Key was used with another request',
  limit_reached: 'A limit is reached',
  internal: 'Something went wrong on our side',
  instance_draining: 'The instance is being refreshed',
  writes_paused: 'Writes are paused',
  at_capacity: 'There is no free capacity',
  unavailable: 'A part of the service is not available now',
  job_failed: 'A job elsewhere did not succeed',
};
