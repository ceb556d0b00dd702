import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { ApiError } from '../api-error.ts';
import type { Action, Backend } from './action.ts';
import { executionActions } from './execution-actions.ts';
import { machineActions } from './machine-actions.ts';
import { taskActions } from './task-actions.ts';

const TARGET_PREFIX = 'AWSStepFunctions.';
const actions = new Map<string, Action>(Object.entries({ ...machineActions, ...executionActions, ...taskActions }));

/** The Step Functions API over HTTP, in the AWS JSON 1.0 protocol, on the loopback interface only. */
export const serve = async (backend: Backend, port: number): Promise<Server> => {
  const server = createServer((request, response) => {
    answer(backend, request).then(
      (body) => send(response, 200, body),
      (error: unknown) => sendError(response, error),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const answer = async (backend: Backend, request: IncomingMessage): Promise<object> => {
  const body = await text(request);
  const target = String(request.headers['x-amz-target'] ?? '');
  const act = target.startsWith(TARGET_PREFIX) ? actions.get(target.slice(TARGET_PREFIX.length)) : undefined;
  if (act === undefined) {
    throw new ApiError('UnknownOperationException', `The action '${target}' is not modelled by this runner`);
  }
  return act(backend, parse(body));
};

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body || '{}');
  } catch {
    throw new ApiError('ValidationException', 'The body of the request is not JSON');
  }
};

const sendError = (response: ServerResponse, error: unknown): void => {
  if (error instanceof ApiError) send(response, 400, { __type: error.type, message: error.message });
  else send(response, 500, { __type: 'InternalFailure', message: error instanceof Error ? error.message : 'unknown' });
};

const send = (response: ServerResponse, status: number, body: object): void => {
  const content = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(content),
  });
  response.end(content);
};
