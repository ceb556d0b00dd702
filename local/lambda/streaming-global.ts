import type { Writable } from 'node:stream';
import type { Context } from 'aws-lambda';
import { invokeStore } from './invoke-store.ts';
import { type ResponseHead, ResponseStream } from './response-stream.ts';

/** How the real runtime marks a handler that takes a response stream. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

export type StreamingHandler = (event: unknown, stream: ResponseStream, context: Context) => Promise<unknown>;

/** Whether `streamifyResponse` has wrapped a handler. */
export const isStreaming = (handler: unknown): handler is StreamingHandler =>
  typeof handler === 'function' && STREAMING in handler;

const awslambda = {
  InvokeStore: invokeStore,
  streamifyResponse: <Handler extends object>(handler: Handler): Handler =>
    Object.assign(handler, { [STREAMING]: 'response' }),
  HttpResponseStream: {
    from(stream: Writable, head: ResponseHead): ResponseStream {
      if (stream instanceof ResponseStream) return stream.begin(head);
      throw new TypeError('HttpResponseStream.from() needs the response stream of the invocation');
    },
  },
};

/** Sets what the Node runtime of Lambda has as a global. Handlers use it when they load, so it comes before them. */
export const setStreamingGlobal = (): void => {
  Object.assign(globalThis, { awslambda });
};
