import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Problem } from '../../contract/api/common.ts';
import { type GatewayResponseType, PROBLEM_CONTENT_TYPE, saysWhenToRetry } from '../../contract/gateway-responses.ts';

/** What the gateway answers by itself, by the type of the answer. */
export type GatewayResponses = Readonly<Record<GatewayResponseType, Problem>>;

/** How long a client that is still sending is listened to, so that it reads the refusal before the connection closes. */
const LINGER_MS = 2_000;

/** Answers with a problem. What the client is still sending is thrown away. */
export const sendProblem = (request: IncomingMessage, response: ServerResponse, problem: Problem): void => {
  const content = JSON.stringify(problem);
  response.statusCode = problem.status;
  response.setHeader('content-type', PROBLEM_CONTENT_TYPE);
  response.setHeader('content-length', Buffer.byteLength(content));
  if (saysWhenToRetry(problem)) response.setHeader('retry-after', '1');
  if (request.complete) {
    response.end(content);
    return;
  }
  response.setHeader('connection', 'close');
  response.write(content);
  // Closing while data is on its way in would reset the connection, and take the answer away from the client.
  const close = () => {
    clearTimeout(linger);
    response.end();
  };
  const linger = setTimeout(close, LINGER_MS);
  request.resume().once('end', close).once('close', close);
};
