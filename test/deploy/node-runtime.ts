import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { bufferedStreaming } from './buffered-streams.ts';

/**
 * Lambda's runtime of Node, as far as our functions use it, by the API that Lambda has for custom runtimes. In the emulator's
 * own an error has no name, so that no state could retry or catch it, and there is nothing to stream with.
 */

const API = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime`;

type Handler = (event: unknown, context: object) => unknown;

/** Without the limits of time that `fetch` has: the next event may be long in coming. */
const call = async (method: string, path: string, body?: unknown): Promise<IncomingMessage> => {
  const calling = request(`${API}/${path}`, { method }).end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(calling, 'response')) as [IncomingMessage];
  return response;
};

const post = async (path: string, body: unknown): Promise<void> => {
  (await call('POST', path, body)).resume();
};

/** As Step Functions sees it: the error's name is the word that states retry and catch by. */
const failureOf = ({ name, message, stack = '' }: Error) => ({
  errorType: name,
  errorMessage: message,
  trace: stack.split('\n'),
});

/** The function `<name>` of the module `<file>`, which the environment names as `<file>.<name>`. */
const loadHandler = async (): Promise<Handler> => {
  const { _HANDLER = '', LAMBDA_TASK_ROOT = '' } = process.env;
  const [file = '', name = ''] = _HANDLER.split('.');
  const path = ['mjs', 'js', 'cjs'].map((ending) => join(LAMBDA_TASK_ROOT, `${file}.${ending}`)).find(existsSync);
  if (path === undefined) throw new Error(`There is no module "${file}" in the function's code.`);
  const module = (await import(pathToFileURL(path).href)) as Record<string, Handler | undefined>;
  const handler = module[name];
  if (handler === undefined) throw new Error(`"${file}" exports no "${name}".`);
  return handler;
};

/** Waits for an event, and answers it. */
const serveNext = async (handler: Handler): Promise<void> => {
  const next = await call('GET', 'invocation/next');
  // Nobody wants this process any more.
  if (next.statusCode !== 200) process.exit();
  const header = (name: string) => String(next.headers[`lambda-runtime-${name}`] ?? '');
  const requestId = header('aws-request-id');
  const deadline = Number(header('deadline-ms'));
  process.env['_X_AMZN_TRACE_ID'] = header('trace-id');
  const context = {
    awsRequestId: requestId,
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: process.env['AWS_LAMBDA_FUNCTION_VERSION'],
    memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    invokedFunctionArn: header('invoked-function-arn'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const result = await handler(await json(next), context);
    await post(`invocation/${requestId}/response`, result ?? null);
  } catch (error) {
    await post(`invocation/${requestId}/error`, failureOf(error as Error));
  }
};

Object.assign(globalThis, { awslambda: bufferedStreaming });
const handler = await loadHandler().catch(async (error: Error) => {
  await post('init/error', failureOf(error));
  throw error;
});
for (;;) await serveNext(handler);
