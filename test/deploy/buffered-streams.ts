import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ResponseHead, ResponseStream } from '../../local/lambda/response-stream.ts';

type StreamingHandler = (event: unknown, stream: ResponseStream, context: unknown) => Promise<unknown>;

const streamifyResponse = (handler: StreamingHandler) => async (event: unknown, context: unknown) => {
  const chunks: Buffer[] = [];
  let head: ResponseHead | undefined;
  const stream = new ResponseStream((begun) => {
    head = begun;
    return new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
  });
  await Promise.all([handler(event, stream, context), finished(stream)]);
  return { ...head, body: Buffer.concat(chunks).toString() };
};

const HttpResponseStream = { from: (stream: ResponseStream, head: ResponseHead) => stream.begin(head) };

/**
 * What Lambda has as `awslambda`, for an API that takes no streams: a function that streams its answer gives it as a whole
 * there, when it has ended. What is left untried by that is in docs/emulator.md.
 */
export const bufferedStreaming = { streamifyResponse, HttpResponseStream };
