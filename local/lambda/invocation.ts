import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { TimedOut } from './function-error.ts';

/** What an invocation knows of its function. */
export type FunctionIdentity = { readonly name: string; readonly arn: string; readonly timeoutSeconds: number };

/** What a handler gets as its context. */
export const contextFor = ({ name, arn, timeoutSeconds }: FunctionIdentity): Context => {
  const endsAt = performance.now() + timeoutSeconds * 1000;
  const noCallbacks = () => {
    throw new Error('Handlers answer by their promise; Node 24 on Lambda knows no callbacks');
  };
  return {
    awsRequestId: randomUUID(),
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: '1024',
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(endsAt - performance.now())),
    done: noCallbacks,
    fail: noCallbacks,
    succeed: noCallbacks,
  };
};

/**
 * Runs an invocation within its function's time.
 * @throws {TimedOut} it took longer; what it does from then on is not heard
 */
export const withinTime = async <Result>(
  { timeoutSeconds }: FunctionIdentity,
  { awsRequestId }: Context,
  run: () => Promise<Result>,
): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(awsRequestId, timeoutSeconds)), timeoutSeconds * 1000);
  });
  try {
    return await Promise.race([run(), timedOut]);
  } finally {
    clearTimeout(timer);
  }
};
