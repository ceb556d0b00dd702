import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { ApiError } from '../api-error.ts';
import { containerMetadata, taskMetadata } from '../task-metadata.ts';
import type { Action, Backend } from './action.ts';
import { serviceActions } from './service-actions.ts';
import { taskActions } from './task-actions.ts';
import { taskDefinitionActions } from './task-definition-actions.ts';

const TARGET_PREFIX = 'AmazonEC2ContainerServiceV20141113.';
const CONTENT_TYPE = 'application/x-amz-json-1.1';
const METADATA = /^\/v4\/([0-9a-f]+)(\/task)?$/;
const actions = new Map<string, Action>(
  Object.entries({ ...taskDefinitionActions, ...serviceActions, ...taskActions }),
);

/** Path of a task's metadata endpoint on the server. */
export const metadataPath = (taskId: string): string => `/v4/${taskId}`;

/** The ECS API (AWS JSON 1.1) and the tasks' metadata endpoints, on the loopback interface only. */
export const serve = async (backend: Backend, port: number): Promise<Server> => {
  // An idle connection is the client's to close: one that closes under the SDK makes it repeat a call that was done.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const answered =
      request.method === 'GET' ? Promise.resolve().then(() => metadata(backend, request)) : answer(backend, request);
    answered.then(
      (body) => send(response, body === undefined ? 404 : 200, body ?? {}),
      (error: unknown) => sendError(response, error),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const metadata = ({ names, tasks }: Backend, { url = '' }: IncomingMessage): object | undefined => {
  const [, id = '', ofTask] = METADATA.exec(url) ?? [];
  const task = tasks.get(id);
  if (task === undefined) return undefined;
  return ofTask === undefined ? containerMetadata(task) : taskMetadata(names, task);
};

const answer = async (backend: Backend, request: IncomingMessage): Promise<object> => {
  const body = await text(request);
  const target = String(request.headers['x-amz-target'] ?? '');
  const act = target.startsWith(TARGET_PREFIX) ? actions.get(target.slice(TARGET_PREFIX.length)) : undefined;
  if (act === undefined) {
    throw new ApiError('UnsupportedFeatureException', `The action '${target}' is not modelled by this supervisor`);
  }
  return act(backend, JSON.parse(body || '{}'));
};

const sendError = (response: ServerResponse, error: unknown): void => {
  if (error instanceof ApiError) send(response, 400, { __type: error.type, message: error.message });
  else send(response, 500, { __type: 'ServerException', message: error instanceof Error ? error.message : 'unknown' });
};

const send = (response: ServerResponse, status: number, body: object): void => {
  const content = JSON.stringify(body);
  response.writeHead(status, { 'content-type': CONTENT_TYPE, 'content-length': Buffer.byteLength(content) });
  response.end(content);
};
