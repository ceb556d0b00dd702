import { type Problem, problemOf } from './api/common.ts';

/**
 * What API Gateway answers by itself, before a function is reached, by its response type. The same problem bodies as
 * everywhere else; 404 also for a method that a path does not have.
 */
export const GATEWAY_RESPONSES = {
  UNAUTHORIZED: problemOf(
    'unauthorized',
    'Send "Authorization: Bearer <token>" with a token that is valid and not expired.',
  ),
  ACCESS_DENIED: problemOf(
    'unauthorized',
    'Send "Authorization: Bearer <token>" with a token that is valid and not expired.',
  ),
  MISSING_AUTHENTICATION_TOKEN: problemOf(
    'not_found',
    'There is no such path, or not with this method; see /v1/openapi.json.',
  ),
  RESOURCE_NOT_FOUND: problemOf('not_found', 'There is no such path, or not with this method; see /v1/openapi.json.'),
  WAF_FILTERED: problemOf('forbidden', 'The firewall before this service does not let the request through.'),
  REQUEST_TOO_LARGE: problemOf('too_large', 'The body is larger than this service takes.'),
  THROTTLED: problemOf('limit_reached', 'Too many requests; wait a second.', { retryable: true }),
  QUOTA_EXCEEDED: problemOf(
    'limit_reached',
    'The requests of this day are used up; try again tomorrow, or ask those who run this service for more.',
  ),
  // The authorizer has named a key that is in no usage plan: ours to mend, and nothing that a caller could send.
  INVALID_API_KEY: problemOf('internal', 'Something went wrong; try again.', { retryable: true }),
  INTEGRATION_TIMEOUT: problemOf('unavailable', 'The service took too long; try again.', { retryable: true }),
  INTEGRATION_FAILURE: problemOf('unavailable', 'The service is not available now; try again.', { retryable: true }),
  DEFAULT_4XX: problemOf('invalid_request', 'The request can not be served as it is.'),
  DEFAULT_5XX: problemOf('internal', 'Something went wrong; try again.', { retryable: true }),
} as const satisfies Record<string, Problem>;

export type GatewayResponseType = keyof typeof GATEWAY_RESPONSES;

/** Whether an answer says when to try again, which is in a second: not when a day is used up. */
export const saysWhenToRetry = ({ status, retryable }: Problem): boolean =>
  retryable && (status === 429 || status === 503);

/** An authorizer that failed or could not decide is a fault of ours; its 5xx types fall under DEFAULT_5XX. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** How long an authorizer's answer is good for its token; short, because a token that has expired is taken for so long. */
export const AUTHORIZER_CACHE_SECONDS = 60;

/** The largest body that is taken, in bytes. */
export const MAX_BODY_BYTES = 128 * 1024;
