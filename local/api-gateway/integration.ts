import type { ServerResponse } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod';
import type { ResponseHead } from '../lambda/response-stream.ts';
import type { Lambda } from '../lambda/start-lambda.ts';
import { GatewayFailure } from './gateway-failure.ts';
import { TRACE_HEADER } from './proxy-event.ts';

const headerValue = z.union([z.string(), z.number(), z.boolean()]);

/** What a function of a Lambda proxy integration must answer. */
const ProxyResult = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), headerValue).nullish(),
  multiValueHeaders: z.record(z.string(), z.array(headerValue)).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/**
 * Calls a function and sends its answer whole.
 * @throws {GatewayFailure} the function failed, or did not answer as it must
 */
export const sendBuffered = async (
  lambda: Pick<Lambda, 'invoke'>,
  name: string,
  event: APIGatewayProxyEvent,
  response: ServerResponse,
): Promise<void> => {
  const result = ProxyResult.safeParse(await lambda.invoke(name, event, traceOf(event)).catch(functionFailure));
  if (!result.success) throw new GatewayFailure('DEFAULT_5XX', { cause: result.error });
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = result.data;
  const content = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  setHead(response, { statusCode, headers: headers ?? {}, multiValueHeaders: multiValueHeaders ?? {} });
  // A 204 has no body, and must not tell the length of one.
  if (statusCode !== 204) response.setHeader('content-length', content.length);
  response.end(content);
};

/**
 * Calls a function and sends its answer piece by piece, as it comes.
 * @throws {GatewayFailure} the function failed before it began to answer
 * @throws the function's error, when it failed in the middle: the answer can only be cut off
 */
export const sendStreamed = async (
  lambda: Pick<Lambda, 'invokeStreaming'>,
  name: string,
  event: APIGatewayProxyEvent,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> => {
  const respond = (head: ResponseHead) => {
    setHead(response, head);
    // A client that waits for an event learns at once that it is connected.
    response.flushHeaders();
    return response;
  };
  await lambda.invokeStreaming(name, event, respond, signal, traceOf(event)).catch(functionFailure);
};

/** Lambda hands a function the trace that its caller is in. */
const traceOf = ({ headers }: APIGatewayProxyEvent): string | undefined => headers[TRACE_HEADER];

const setHead = (
  response: ServerResponse,
  { statusCode, headers = {}, multiValueHeaders = {} }: ResponseHead,
): void => {
  response.statusCode = statusCode;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
  for (const [name, values] of Object.entries(multiValueHeaders)) response.setHeader(name, values.map(String));
};

/** What the function threw is a 5xx without details; that Lambda did not even run it is another. */
const functionFailure = (cause: unknown): never => {
  const refused = cause instanceof Error && cause.name === 'InvocationRefused';
  throw new GatewayFailure(refused ? 'INTEGRATION_FAILURE' : 'DEFAULT_5XX', { cause });
};
