import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Loopback, listenOnLoopback } from '../loopback.ts';
import { recordRequest } from '../recording/requests.ts';
import type { Action } from './action.ts';
import { ApiError } from './api-error.ts';

/** A service's API, in the AWS JSON protocol. */
export type Api<Backend, ErrorType extends string> = {
  readonly protocol: '1.0' | '1.1';
  /** What the header `x-amz-target` says before the name of an action, with the dot. */
  readonly targetPrefix: string;
  readonly actions: Readonly<Record<string, Action<Backend>>>;
  readonly unknownAction: ErrorType;
  /** The type of error for a body that is not JSON. */
  readonly notJson: ErrorType;
  /** The type of error for a fault of our own. */
  readonly internalFault: string;
  /** Answers a GET of a path, undefined if nothing is there. @default a GET is an action like any other request */
  readonly get?: (backend: Backend, path: string) => object | undefined;
  /** Answers a PUT of a path, undefined if nothing is there. @default a PUT is an action like any other request */
  readonly put?: (backend: Backend, path: string, body: unknown) => object | undefined;
};

/** Serves an API on the loopback interface only; port 0 takes one that is free. */
export const serveActions = async <Backend, ErrorType extends string>(
  api: Api<Backend, ErrorType>,
  backend: Backend,
  port: number,
): Promise<Loopback> => {
  const answer = answering(api, backend);
  const contentType = `application/x-amz-json-${api.protocol}`;
  const send = (response: ServerResponse, status: number, body: object): void => {
    const content = JSON.stringify(body);
    response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(content) });
    response.end(content);
  };
  const sendError = (response: ServerResponse, error: unknown): void => {
    const message = error instanceof Error ? error.message : 'unknown';
    if (error instanceof ApiError) send(response, 400, { __type: error.type, message });
    else send(response, 500, { __type: api.internalFault, message });
  };
  // An idle connection is the client's to close: one that closes under the SDK makes it repeat a call that was done.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    answer(request).then(
      (body) => send(response, body === undefined ? 404 : 200, body ?? {}),
      (error: unknown) => sendError(response, error),
    );
  });
  return listenOnLoopback(server, port);
};

const answering = <Backend, ErrorType extends string>(api: Api<Backend, ErrorType>, backend: Backend) => {
  const { targetPrefix, unknownAction, notJson, get, put } = api;
  const actions = new Map(Object.entries(api.actions).map(([name, act]) => [`${targetPrefix}${name}`, act]));
  const parse = (body: string): unknown => {
    try {
      return JSON.parse(body || '{}');
    } catch {
      throw new ApiError(notJson, 'The body of the request is not JSON');
    }
  };
  return async (request: IncomingMessage): Promise<object | undefined> => {
    if (request.method === 'GET' && get !== undefined) return get(backend, request.url ?? '');
    const body = await text(request);
    if (request.method === 'PUT' && put !== undefined) return put(backend, request.url ?? '', parse(body));
    const target = String(request.headers['x-amz-target'] ?? '');
    const act = actions.get(target);
    if (act === undefined) throw new ApiError(unknownAction, `The action '${target}' is not modelled here`);
    const asked = parse(body);
    return recordRequest(request.headers, target, asked, () => act(backend, asked));
  };
};
