import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { newTrace } from '../lambda/invoke-store.ts';
import type { AuthorizerContext } from './authorizer.ts';
import type { Match } from './route-table.ts';

/** As API Gateway writes the header's name. */
export const TRACE_HEADER = 'X-Amzn-Trace-Id';

/** Where the API is, as its ARNs and events tell it. */
export type ApiIdentity = {
  readonly region: string;
  readonly accountId: string;
  readonly apiId: string;
  readonly stage: string;
};

/** A request as the gateway sees it before a function does. */
export type GatewayRequest = {
  readonly message: IncomingMessage;
  readonly url: URL;
  readonly match: Match;
  readonly requestId: string;
  readonly receivedAt: Date;
};

/** The ARN that an authorizer's policy is about. */
export const methodArnOf = (
  { region, accountId, apiId, stage }: ApiIdentity,
  { message, url }: GatewayRequest,
): string => `arn:aws:execute-api:${region}:${accountId}:${apiId}/${stage}/${message.method}${url.pathname}`;

/** The event of a Lambda proxy integration, payload version 1.0. */
export const proxyEvent = (
  api: ApiIdentity,
  request: GatewayRequest,
  authorizer: AuthorizerContext | null,
  body: string | null,
): APIGatewayProxyEvent => {
  const { message, url, match } = request;
  const multiValueHeaders = headersOf(request);
  const multiValueQuery = multiValues(url.searchParams);
  return {
    resource: match.route.path,
    path: url.pathname,
    httpMethod: message.method ?? '',
    headers: lastValues(multiValueHeaders),
    multiValueHeaders,
    queryStringParameters: url.search.length > 1 ? lastValues(multiValueQuery) : null,
    multiValueQueryStringParameters: url.search.length > 1 ? multiValueQuery : null,
    pathParameters: Object.keys(match.pathParameters).length > 0 ? { ...match.pathParameters } : null,
    stageVariables: null,
    requestContext: requestContextOf(api, request, authorizer),
    body,
    isBase64Encoded: false,
  };
};

const requestContextOf = (
  { accountId, apiId, stage }: ApiIdentity,
  { message, url, match, requestId, receivedAt }: GatewayRequest,
  authorizer: AuthorizerContext | null,
): APIGatewayProxyEvent['requestContext'] => ({
  accountId,
  apiId,
  authorizer,
  domainName: url.hostname,
  extendedRequestId: requestId,
  httpMethod: message.method ?? '',
  identity: { ...NOBODY, sourceIp: sourceIpOf(message), userAgent: message.headers['user-agent'] ?? null },
  path: url.pathname,
  protocol: 'HTTP/1.1',
  requestId,
  requestTime: receivedAt.toUTCString(),
  requestTimeEpoch: receivedAt.getTime(),
  resourceId: match.route.function,
  resourcePath: match.route.path,
  stage,
});

const NOBODY = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

const sourceIpOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? '127.0.0.1';

/** Names as the client wrote them, as API Gateway hands them on; what a proxy would say is the gateway's to say. */
const headersOf = ({ message, url }: GatewayRequest): Record<string, string[]> => {
  const headers = new Map<string, { name: string; values: string[] }>();
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = message.rawHeaders.slice(at, at + 2);
    const known = headers.get(name.toLowerCase());
    if (known === undefined) headers.set(name.toLowerCase(), { name, values: [value] });
    else known.values.push(value);
  }
  const forwarded = {
    'X-Forwarded-For': sourceIpOf(message),
    'X-Forwarded-Port': url.port,
    'X-Forwarded-Proto': 'http',
    [TRACE_HEADER]: traceFrom(message.headers['x-amzn-trace-id']),
  };
  for (const [name, value] of Object.entries(forwarded)) headers.set(name.toLowerCase(), { name, values: [value] });
  return Object.fromEntries([...headers.values()].map(({ name, values }) => [name, values]));
};

/** A client's trace goes on; without one, the request begins it. */
const traceFrom = (sent: string | string[] | undefined): string =>
  typeof sent === 'string' && sent.includes('Root=') ? sent : newTrace();

const multiValues = (parameters: URLSearchParams): Record<string, string[]> =>
  Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]));

const lastValues = (multiple: Record<string, string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(multiple).map(([name, values]) => [name, values.at(-1) ?? '']));
