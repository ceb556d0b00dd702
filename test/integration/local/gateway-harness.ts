import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent, APIGatewayTokenAuthorizerEvent } from 'aws-lambda';
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import type { Route } from '../../../contract/api/route.ts';
import { GATEWAY_RESPONSES } from '../../../contract/gateway-responses.ts';
import { type ApiGatewayOptions, startApiGateway } from '../../../local/api-gateway/start-api-gateway.ts';
import { startLambda } from '../../../local/lambda/start-lambda.ts';

const region = 'eu-west-1';
const accountId = '000000000000';
const nothing = z.strictObject({});

/** A route of which only the parts that matter to the gateway are given. */
export const route = (path: Route['path'], more: Partial<Route> = {}): Route => ({
  function: 'echo',
  method: 'GET',
  path,
  summary: '',
  scope: null,
  streams: false,
  idempotent: false,
  body: nothing,
  params: nothing,
  query: nothing,
  answers: {},
  ...more,
});

/** Answers with the event that it got. */
export const echo = async (event: APIGatewayProxyEvent) => ({ statusCode: 200, body: JSON.stringify(event) });

/** A function that streams what `open` gives it. */
export const streaming =
  (open: () => AsyncIterable<string> | NodeJS.ReadableStream, headers: Record<string, string> = {}) =>
  () =>
    middy({ executionMode: executionModeStreamifyResponse }).handler(async () => ({
      statusCode: 200,
      headers,
      body: open(),
    }));

/**
 * An authorizer that takes `Bearer <tenant>`, names the API key `key-of-<tenant>` unless that is `keyless`, and counts how often
 * it is asked.
 */
export const countingAuthorizer = () => {
  const asked: APIGatewayTokenAuthorizerEvent[] = [];
  const authorize = async (event: APIGatewayTokenAuthorizerEvent) => {
    asked.push(event);
    const tenantId = event.authorizationToken.replace('Bearer ', '');
    if (tenantId === 'wrong') throw new Error('Unauthorized');
    if (tenantId === 'broken') throw new Error('no keys');
    const Resource = `${event.methodArn.split('/')[0]}/*`;
    const Effect = tenantId === 'denied' ? 'Deny' : 'Allow';
    const Statement = [{ Effect, Action: 'execute-api:Invoke', Resource }];
    return {
      principalId: 'user',
      policyDocument: { Version: '2012-10-17', Statement },
      context: { tenantId, level: 7 },
      usageIdentifierKey: tenantId === 'keyless' ? null : `key-of-${tenantId}`,
    };
  };
  return { asked, authorize };
};

/** A gateway before functions whose handlers are made here. */
export const startGateway = async (
  routes: readonly Route[],
  makers: Record<string, () => unknown>,
  more: Partial<ApiGatewayOptions> = {},
) => {
  const faults: unknown[] = [];
  const definition = { folder: 'api', environment: z.object({}), timeoutSeconds: 10 };
  const lambda = startLambda({
    functions: Object.fromEntries(Object.keys(makers).map((name) => [name, definition])),
    environments: {},
    common: {},
    region,
    accountId,
    load: async (_folder, name) => ({ handler: makers[name]?.() }),
  });
  const gateway = await startApiGateway({
    port: 0,
    routes,
    gatewayResponses: GATEWAY_RESPONSES,
    lambda,
    region,
    accountId,
    onFault: (fault) => faults.push(fault),
    ...more,
  });
  onTestFinished(() => gateway.close());
  return { ...gateway, faults };
};
