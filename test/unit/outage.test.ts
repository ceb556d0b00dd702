import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { isOutage } from '../../functions/pipeline/outage.ts';

const serviceError = (name: string, $fault: 'client' | 'server') =>
  new DynamoDBServiceException({ name, $fault, $metadata: {} });

test.each([
  Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
  Object.assign(new Error('too slow'), { name: 'TimeoutError' }),
  serviceError('InternalServerError', 'server'),
  serviceError('ThrottlingException', 'client'),
])('a service that does not answer is an outage: %s', (error) => {
  expect(isOutage(error)).toBe(true);
});

test.each([new TypeError('x is not a function'), serviceError('ValidationException', 'client'), 'a text', undefined])(
  'a fault of ours is none: %s',
  (error) => {
    expect(isOutage(error)).toBe(false);
  },
);
