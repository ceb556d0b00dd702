import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Route } from '../../contract/api/route.ts';
import type { Lambda } from '../lambda/start-lambda.ts';
import { listenOnLoopback } from '../loopback.ts';
import { actingAs } from '../recording/caller.ts';
import { Authorizer, type AuthorizerContext } from './authorizer.ts';
import { GatewayFailure } from './gateway-failure.ts';
import { type GatewayResponses, sendProblem } from './gateway-response.ts';
import { sendBuffered, sendStreamed } from './integration.ts';
import { type GatewayRequest, methodArnOf, proxyEvent } from './proxy-event.ts';
import { readBody } from './request-body.ts';
import { RouteTable } from './route-table.ts';

/** A client keeps its connection at least as long between two requests. */
const KEEP_ALIVE_MS = 65_000;

export type ApiGatewayOptions = {
  /** The port on 127.0.0.1; 0 takes one that is free. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly gatewayResponses: GatewayResponses;
  /** What runs the functions. */
  readonly lambda: Pick<Lambda, 'invoke' | 'invokeStreaming'>;
  readonly region: string;
  readonly accountId: string;
  /** Name of the function that checks tokens. @default authorize */
  readonly authorizer?: string;
  /**
   * Values of the keys that are in a usage plan: a route with a scope takes callers for whom the authorizer names one.
   * @default no route needs a key
   */
  readonly apiKeys?: readonly string[];
  /** How long its answer is good for a token; 0 asks each time. @default 300, as in API Gateway */
  readonly authorizerTtlSeconds?: number;
  /** Takes what clients are not told of: why an answer was a 5xx or was cut off. @default stderr */
  readonly onFault?: (fault: unknown, requestId: string) => void;
  /** The clock of the authorizer's cache, in milliseconds. @default Date.now */
  readonly now?: () => number;
};

/** An API Gateway that listens. */
export type ApiGateway = {
  readonly url: string;
  /** Takes no more requests, cuts the open streams, lets the other answers end. */
  close(): Promise<void>;
};

/** Starts the HTTP front: API Gateway's REST API with proxy integrations, a token authorizer and streamed answers. */
export const startApiGateway = async (options: ApiGatewayOptions): Promise<ApiGateway> => {
  const { port, routes, gatewayResponses, lambda, region, accountId, apiKeys } = options;
  const {
    authorizer: authorizerName = 'authorize',
    authorizerTtlSeconds = 300,
    now = Date.now,
    onFault = report,
  } = options;
  const api = { region, accountId, apiId: 'local', stage: 'local' };
  const table = new RouteTable(routes);
  const authorizer = new Authorizer({
    call: (event) => lambda.invoke(authorizerName, event),
    ttlSeconds: authorizerTtlSeconds,
    now,
  });
  const closing = new AbortController();
  const underWay = new Set<Promise<void>>();

  const serve = async (message: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> => {
    const receivedAt = new Date();
    // Like API Gateway, takes the whole request in before anything else, so that every refusal finds it read.
    const body = await readBody(message, response);
    // Put together as text: resolved against the base, a path like `//host` would name another host.
    const url = new URL(`${base}${message.url?.startsWith('/') ? message.url : '/'}`);
    const match = table.match(message.method ?? '', url.pathname);
    const request = { message, url, match, requestId, receivedAt };
    const event = proxyEvent(api, request, await admit(request), body);
    if (!match.route.streams) return sendBuffered(lambda, match.route.function, event, response);
    return sendStreamed(lambda, match.route.function, event, response, cutFor(response, closing.signal));
  };

  const admit = async (request: GatewayRequest): Promise<AuthorizerContext | null> => {
    const { message, match } = request;
    if (match.route.scope === null) return null;
    const { context, apiKey } = await authorizer.authorize(message.headers.authorization, methodArnOf(api, request));
    if (apiKeys === undefined || apiKeys.some((known) => known === apiKey)) return context;
    const cause = new Error(`The authorizer named the API key ${apiKey}, which is in no usage plan.`);
    throw new GatewayFailure('INVALID_API_KEY', { cause });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    response.setHeader('x-amzn-requestid', requestId);
    try {
      await serve(request, response, requestId);
    } catch (error) {
      // Nobody is there to be answered, and nothing is wrong on our side.
      if (request.socket.destroyed || closing.signal.aborted) return void response.destroy();
      const failure = error instanceof GatewayFailure ? error : new GatewayFailure('DEFAULT_5XX', { cause: error });
      const problem = gatewayResponses[failure.type];
      if (problem.status >= 500) onFault(failure.cause, requestId);
      if (response.headersSent) return void response.destroy();
      for (const name of response.getHeaderNames()) if (name !== 'x-amzn-requestid') response.removeHeader(name);
      sendProblem(request, response, problem);
    }
  };

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const handled = actingAs('service/apigateway', () => handle(request, response)).finally(() =>
      underWay.delete(handled),
    );
    underWay.add(handled);
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, listener).on('checkContinue', listener);
  const { url: base } = await listenOnLoopback(server, port);

  return {
    url: base,
    async close() {
      const closed = once(server, 'close');
      server.close();
      closing.abort(new Error('The gateway is closing'));
      await Promise.all(underWay);
      server.closeAllConnections();
      await closed;
    },
  };
};

/** Aborts when the client is gone, or the gateway. */
const cutFor = (response: ServerResponse, closing: AbortSignal): AbortSignal => {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('The client has closed the connection'));
  });
  return AbortSignal.any([gone.signal, closing]);
};

const report = (fault: unknown, requestId: string): void => console.error(`Request ${requestId} failed:`, fault);
