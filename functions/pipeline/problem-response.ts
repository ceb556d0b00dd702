import type { Context } from 'aws-lambda';
import { problemOf } from '../../contract/api/common.ts';
import { PROBLEM_CONTENT_TYPE } from '../../contract/gateway-responses.ts';
import { Failure, Retryable } from '../../domain/failure.ts';
import { logger } from '../telemetry/logger.ts';
import { measure } from '../telemetry/metrics.ts';
import type { ApiResponse } from './api-response.ts';
import { isOutage } from './outage.ts';

const UNAVAILABLE =
  'A part of the service does not answer now; try again, with the same Idempotency-Key if there was one.';

/** The answer to whatever a handler threw: what the client can mend is explained, what it can not has an id to quote. */
export const problemResponse = (error: unknown, { awsRequestId }: Context): ApiResponse => {
  if (!(error instanceof Failure) || error.code === 'internal') {
    logger.error('A call failed', { error: error as Error });
    measure('Fault', 1, { in: 'api' });
    if (isOutage(error)) return problem(problemOf('unavailable', UNAVAILABLE, { retryable: true }));
    return problem(
      problemOf('internal', `Something went wrong on our side. Quote ${awsRequestId}.`, { retryable: true }),
    );
  }
  const { code, message, retryable, operationId, issues } = error;
  return problem(
    problemOf(code, message, { retryable, errors: [...issues], ...(operationId !== undefined && { operationId }) }),
    error instanceof Retryable ? error.delaySeconds : 1,
  );
};

const problem = (body: ReturnType<typeof problemOf>, delaySeconds = 1): ApiResponse => ({
  status: body.status,
  headers: {
    'content-type': PROBLEM_CONTENT_TYPE,
    ...((body.status === 429 || body.status === 503) && { 'retry-after': String(delaySeconds) }),
  },
  body,
});
