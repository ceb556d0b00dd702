import { Readable } from 'node:stream';
import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type * as z from 'zod';
import { isCommand, type Route } from '../../contract/api/route.ts';
import { CommandLimitEnvironment, ControlTableEnvironment, QueryLimitEnvironment } from '../../contract/environment.ts';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { Retryable } from '../../domain/failure.ts';
import { about, beginLines, logger } from '../telemetry/logger.ts';
import { auditStore } from '../wiring/audit.ts';
import { tenantLimits } from '../wiring/limits.ts';
import { type ApiRequest, requestFrom } from './api-request.ts';
import type { ApiResponse } from './api-response.ts';
import { CallAudit } from './call-audit.ts';
import { problemResponse } from './problem-response.ts';

type Handle<R extends Route> = (request: ApiRequest<R>) => Promise<ApiResponse>;
type Environment<Name extends FunctionName> = z.output<(typeof FUNCTIONS)[Name]['environment']>;

/**
 * The one pipeline of the API: parses the environment once, then for each call checks scope and input against the
 * route, calls `handle`, and turns whatever is thrown into a problem.
 */
export const apiFunction = <Name extends FunctionName, R extends Route>(
  name: Name,
  route: R,
  build: (environment: Environment<Name>) => Handle<R>,
) => {
  const environment = FUNCTIONS[name].environment.parse(process.env) as Environment<Name>;
  const handle = build(environment);
  const { data: table } = ControlTableEnvironment.safeParse(environment);
  const audit = table && auditStore(table);
  const admit = limitOf(route, environment);
  const pipeline = middy<APIGatewayProxyEvent, GatewayResponse>(
    route.streams ? { executionMode: executionModeStreamifyResponse } : {},
  );
  return pipeline
    .onError(async (request) => {
      await new CallAudit(audit, route, request.event).refused(request.error);
      request.response = gatewayResponse(problemResponse(request.error, request.context), route.streams);
    })
    .handler(async (event: APIGatewayProxyEvent, { awsRequestId: requestId }) => {
      beginLines({ requestId, function: name, action: `${route.method} ${route.path}` });
      const request = requestFrom(route, event);
      about(request.params);
      about(request);
      await admit?.(request.tenantId);
      const content = { params: request.params, query: request.query, body: request.body };
      const response = await new CallAudit(audit, route, event).around(content, () => handle(request));
      about(response.body);
      if (isCommand(route)) logger.info('A command was answered', { status: response.status });
      return gatewayResponse(response, route.streams);
    });
};

/** Refuses the commands, or the queries, of a tenant that gives too many, whichever processes serve them. */
const limitOf = (route: Route, environment: object): ((tenantId: string) => Promise<void>) | undefined => {
  if (route.countsAsQuery) {
    const { QUERIES_PER_SECOND: most } = QueryLimitEnvironment.parse(environment);
    const limits = tenantLimits(ControlTableEnvironment.parse(environment));
    return async (tenantId) => mustHaveRoom(await limits.takeQuery(tenantId, most), `${most} queries`);
  }
  if (!isCommand(route) || route.scope === null) return undefined;
  const { COMMANDS_PER_SECOND: most } = CommandLimitEnvironment.parse(environment);
  const limits = tenantLimits(ControlTableEnvironment.parse(environment));
  return async (tenantId) => mustHaveRoom(await limits.takeCommand(tenantId, most), `${most} commands`);
};

const mustHaveRoom = (hasRoom: boolean, most: string): void => {
  if (hasRoom) return;
  throw new Retryable('limit_reached', `More than ${most} a second; wait a second.`, { delaySeconds: 1 });
};

type GatewayResponse = { statusCode: number; headers: Record<string, string>; body: string | Readable };

const gatewayResponse = ({ status, headers = {}, body }: ApiResponse, streams: boolean): GatewayResponse => {
  const iterable = typeof body === 'object' && Symbol.asyncIterator in body;
  const content = iterable
    ? Readable.from(body, { objectMode: false })
    : typeof body === 'string'
      ? body
      : JSON.stringify(body);
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    // A streaming function's text is a stream of one piece, so that it takes the same way out.
    body: streams && typeof content === 'string' ? Readable.from([content], { objectMode: false }) : content,
  };
};
