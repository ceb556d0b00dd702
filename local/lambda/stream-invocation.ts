import { finished } from 'node:stream/promises';
import type { Context } from 'aws-lambda';
import { type FunctionIdentity, withinTime } from './invocation.ts';
import { type Respond, ResponseStream } from './response-stream.ts';

/**
 * Runs an invocation that streams its answer, until the answer is sent whole.
 * @throws {Error} the signal's reason, when it aborts: the response stream is destroyed, and the handler's source with it
 */
export const streamInvocation = async (
  identity: FunctionIdentity,
  context: Context,
  respond: Respond,
  signal: AbortSignal,
  run: (stream: ResponseStream) => Promise<unknown>,
): Promise<void> => {
  const stream = new ResponseStream(respond);
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    stream.cut(new Error('The client is gone', { cause: signal.reason }));
    reject(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const answer = async () => {
    await run(stream);
    if (!stream.writableEnded) throw new Error('The handler has returned without ending its response stream');
    await finished(stream);
  };
  try {
    // A handler may be slow to notice that it is cut off; who asked for the cut does not wait for it.
    await withinTime(identity, context, () => Promise.race([answer(), cut]));
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!stream.writableFinished) stream.cut(new Error('The invocation is over'));
  }
};
