import type { APIGatewayProxyEvent } from 'aws-lambda';
import { expect, test } from 'vitest';
import { consumeCreditsRoute } from '../../contract/api/billing-routes.ts';
import { createGraphRoute } from '../../contract/api/graph-routes.ts';
import type { Route } from '../../contract/api/route.ts';
import { requestFrom } from '../../functions/pipeline/api-request.ts';

const requestOf = (route: Route, own: Partial<APIGatewayProxyEvent>) =>
  requestFrom(route, {
    pathParameters: null,
    headers: {},
    requestContext: { authorizer: { tenantId: 'acme', subject: 'ada', scopes: 'graphs:write' } },
    ...own,
  } as APIGatewayProxyEvent);

const refusalOf = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

test.each([
  ['{"name":"A","tags":{"__proto__":"a"}}', 'tags.__proto__'],
  ['{"name":"A","__proto__":{}}', '__proto__'],
  ['{"name":"A","extensions":[{"__proto__":1}]}', 'extensions.0.__proto__'],
])('a field that no object can keep is refused by its name: %s', (body, path) => {
  expect(refusalOf(() => requestOf(createGraphRoute, { body }))).toMatchObject({
    code: 'invalid_request',
    issues: [{ path }],
  });
});

test('names that objects have of themselves are names as any others', () => {
  const body = '{"name":"A","tags":{"constructor":"a","toString":"b"}}';
  expect(requestOf(createGraphRoute, { body }).body).toMatchObject({ tags: { constructor: 'a', toString: 'b' } });
});

test('a call that has to send its key is refused without it, and takes it with', () => {
  const pathParameters = { graphId: 'kg1' };
  const body = '{"amount":1,"reason":"A report"}';
  expect(refusalOf(() => requestOf(consumeCreditsRoute, { body, pathParameters }))).toMatchObject({
    code: 'invalid_request',
    issues: [{ path: 'Idempotency-Key' }],
  });
  const sent = requestOf(consumeCreditsRoute, { body, pathParameters, headers: { 'Idempotency-Key': 'mine' } });
  expect(sent.idempotencyKey).toBe('mine');
});
