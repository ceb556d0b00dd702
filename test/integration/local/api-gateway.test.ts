import { once } from 'node:events';
import { connect } from 'node:net';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { GATEWAY_RESPONSES, type GatewayResponseType } from '../../../contract/gateway-responses.ts';
import { countingAuthorizer, echo, route, startGateway } from './gateway-harness.ts';

const echoed = async (response: Response) => (await response.json()) as APIGatewayProxyEvent;

const expectProblem = async (response: Response, type: GatewayResponseType) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.status).toBe(GATEWAY_RESPONSES[type].status);
  expect(await response.json()).toEqual(GATEWAY_RESPONSES[type]);
};

const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('a function gets the event of a proxy integration', async () => {
  const { url } = await startGateway([route('/v1/graphs/{graphId}/query', { method: 'POST' })], { echo: () => echo });

  const response = await fetch(`${url}/v1/graphs/a%2Fb%20ü/query?limit=1&tag=x&tag=y%20z`, {
    method: 'POST',
    headers: { 'X-Custom': 'one', 'content-type': 'application/json' },
    body: '{"cypher":"é"}',
  });

  const event = await echoed(response);
  expect(event).toMatchObject({
    resource: '/v1/graphs/{graphId}/query',
    path: '/v1/graphs/a%2Fb%20%C3%BC/query',
    httpMethod: 'POST',
    pathParameters: { graphId: 'a/b ü' },
    queryStringParameters: { limit: '1', tag: 'y z' },
    multiValueQueryStringParameters: { limit: ['1'], tag: ['x', 'y z'] },
    body: '{"cypher":"é"}',
    isBase64Encoded: false,
    requestContext: {
      httpMethod: 'POST',
      resourcePath: '/v1/graphs/{graphId}/query',
      requestId: response.headers.get('x-amzn-requestid'),
      authorizer: null,
      identity: { sourceIp: '127.0.0.1' },
    },
  });
  const custom = Object.entries(event.multiValueHeaders).find(([name]) => name.toLowerCase() === 'x-custom');
  expect(custom?.[1]).toEqual(['one']);
});

test('a request without query, parameters or body has null for them', async () => {
  const { url } = await startGateway([route('/v1/health')], { echo: () => echo });

  const event = await echoed(await fetch(`${url}/v1/health`));

  expect(event).toMatchObject({ queryStringParameters: null, pathParameters: null, body: null });
});

test('a fixed segment wins over a parameter', async () => {
  const { url } = await startGateway([route('/v1/graphs/{graphId}'), route('/v1/graphs/mine')], { echo: () => echo });

  expect(await echoed(await fetch(`${url}/v1/graphs/mine`))).toMatchObject({ resource: '/v1/graphs/mine' });
  expect(await echoed(await fetch(`${url}/v1/graphs/other`))).toMatchObject({ resource: '/v1/graphs/{graphId}' });
});

test.each([
  ['GET', '/v1/other'],
  ['GET', '/'],
  ['GET', '//v1/graphs/x'],
  ['GET', '/v1/graphs/'],
  ['POST', '/v1/graphs/x'],
  ['OPTIONS', '/v1/graphs/x'],
])('%s %s is not a route', async (method, path) => {
  const { url } = await startGateway([route('/v1/graphs/{graphId}')], { echo: () => echo });

  await expectProblem(await fetch(`${url}${path}`, { method }), 'MISSING_AUTHENTICATION_TOKEN');
});

test('a path that is not encoded well is refused', async () => {
  const { url } = await startGateway([route('/v1/graphs/{graphId}')], { echo: () => echo });

  await expectProblem(await fetch(`${url}/v1/graphs/%ff`), 'DEFAULT_4XX');
});

test('the answer has the status, headers and body that the function gave', async () => {
  const answer = async () => ({
    statusCode: 201,
    headers: { location: '/v1/x', 'x-count': 3 },
    multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] },
    body: Buffer.from('plain').toString('base64'),
    isBase64Encoded: true,
  });
  const { url } = await startGateway([route('/v1/x', { function: 'answer' })], { answer: () => answer });

  const response = await fetch(`${url}/v1/x`);

  expect(response.status).toBe(201);
  expect(response.headers.get('location')).toBe('/v1/x');
  expect(response.headers.get('x-count')).toBe('3');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await response.text()).toBe('plain');
});

test('a body of more than 10 MB is refused, told in advance or not', async () => {
  const { url } = await startGateway([route('/v1/graphs', { method: 'POST' })], { echo: () => echo });
  const large = Buffer.alloc(10 * 1024 * 1024 + 1, 'x');

  await expectProblem(await fetch(`${url}/v1/graphs`, { method: 'POST', body: large }), 'REQUEST_TOO_LARGE');
  const body = ReadableStream.from([large]);
  const chunked = await fetch(`${url}/v1/graphs`, { method: 'POST', body, duplex: 'half' });
  await expectProblem(chunked, 'REQUEST_TOO_LARGE');
});

test('a client that asks before it sends is told at once that its body is too large', async () => {
  const { url } = await startGateway([route('/v1/graphs', { method: 'POST' })], { echo: () => echo });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');

  socket.write('POST /v1/graphs HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n');

  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 413 /);
  socket.destroy();
});

test('a function that fails is a 5xx that tells nothing of the reason', async () => {
  const throws = async () => {
    throw new Error('secret');
  };
  const routes = [
    route('/v1/throws', { function: 'throws' }),
    route('/v1/malformed', { function: 'malformed' }),
    route('/v1/missing', { function: 'missing' }),
  ];
  const makers = { throws: () => throws, malformed: () => async () => ({ status: 200 }) };
  const { url, faults } = await startGateway(routes, makers);

  await expectProblem(await fetch(`${url}/v1/throws`), 'DEFAULT_5XX');
  await expectProblem(await fetch(`${url}/v1/malformed`), 'DEFAULT_5XX');
  const missing = await fetch(`${url}/v1/missing`);
  expect(missing.headers.get('retry-after')).toBe('1');
  await expectProblem(missing, 'INTEGRATION_FAILURE');
  expect(faults).toHaveLength(3);
  expect(faults[0]).toMatchObject({ message: 'secret' });
});

const guarded = [route('/v1/graphs/{graphId}', { scope: 'graphs:read' })];

test("the authorizer's context reaches the function, as strings", async () => {
  const { asked, authorize } = countingAuthorizer();
  const { url } = await startGateway(guarded, { echo: () => echo, authorize: () => authorize });

  const event = await echoed(await fetch(`${url}/v1/graphs/x`, withToken('tenant-a')));

  expect(event.requestContext.authorizer).toEqual({ principalId: 'user', tenantId: 'tenant-a', level: '7' });
  const methodArn = 'arn:aws:execute-api:eu-west-1:000000000000:local/local/GET/v1/graphs/x';
  expect(asked).toEqual([{ type: 'TOKEN', authorizationToken: 'Bearer tenant-a', methodArn }]);
});

test('no token, a wrong one, a denial and a broken authorizer are told apart', async () => {
  const { asked, authorize } = countingAuthorizer();
  const { url, faults } = await startGateway(guarded, { echo: () => echo, authorize: () => authorize });

  await expectProblem(await fetch(`${url}/v1/graphs/x`), 'UNAUTHORIZED');
  expect(asked).toHaveLength(0);
  await expectProblem(await fetch(`${url}/v1/graphs/x`, withToken('wrong')), 'UNAUTHORIZED');
  await expectProblem(await fetch(`${url}/v1/graphs/x`, withToken('denied')), 'ACCESS_DENIED');
  expect(faults).toHaveLength(0);
  await expectProblem(await fetch(`${url}/v1/graphs/x`, withToken('broken')), 'DEFAULT_5XX');
  expect(faults).toMatchObject([{ message: 'no keys' }]);
});

test('an answer of the authorizer serves its token until it is old, and a refusal is not kept', async () => {
  let now = 0;
  const { asked, authorize } = countingAuthorizer();
  const makers = { echo: () => echo, authorize: () => authorize };
  const { url } = await startGateway(guarded, makers, { now: () => now });
  const call = async (token: string) => (await fetch(`${url}/v1/graphs/x`, withToken(token))).text();

  await call('a');
  await call('a');
  expect(asked).toHaveLength(1);
  await call('b');
  expect(asked).toHaveLength(2);
  now = 300_000;
  await call('a');
  expect(asked).toHaveLength(3);
  await call('wrong');
  await call('wrong');
  expect(asked).toHaveLength(5);
});

describe('where the API has keys', () => {
  const apiKeys = ['key-of-tenant-a'];
  const open = route('/v1/health');

  test.each(['tenant-b', 'keyless'])(
    'a caller for whom the authorizer names none of them is refused as our fault: %s',
    async (token) => {
      const { authorize } = countingAuthorizer();
      const { url, faults } = await startGateway(
        guarded,
        { echo: () => echo, authorize: () => authorize },
        { apiKeys },
      );

      await expectProblem(await fetch(`${url}/v1/graphs/x`, withToken(token)), 'INVALID_API_KEY');
      expect(faults).toMatchObject([{ message: expect.stringContaining('which is in no usage plan') }]);
    },
  );

  test('the key that counts is the one that the authorizer names, also when its answer is kept', async () => {
    const { asked, authorize } = countingAuthorizer();
    const { url } = await startGateway(guarded, { echo: () => echo, authorize: () => authorize }, { apiKeys });
    const sendingKey = (token: string) =>
      fetch(`${url}/v1/graphs/x`, { headers: { ...withToken(token).headers, 'x-api-key': 'key-of-tenant-a' } });

    await expectProblem(await sendingKey('tenant-b'), 'INVALID_API_KEY');
    await expectProblem(await sendingKey('tenant-b'), 'INVALID_API_KEY');
    expect(asked).toHaveLength(1);
    expect((await fetch(`${url}/v1/graphs/x`, withToken('tenant-a'))).status).toBe(200);
    expect((await fetch(`${url}/v1/graphs/x`, withToken('tenant-a'))).status).toBe(200);
  });

  test('who is not let in is told so, and what is open needs no key', async () => {
    const { authorize } = countingAuthorizer();
    const makers = { echo: () => echo, authorize: () => authorize };
    const { url, faults } = await startGateway([...guarded, open], makers, { apiKeys });

    await expectProblem(await fetch(`${url}/v1/graphs/x`, withToken('wrong')), 'UNAUTHORIZED');
    await expectProblem(await fetch(`${url}/v1/graphs/x`, withToken('denied')), 'ACCESS_DENIED');
    expect((await fetch(`${url}/v1/health`)).status).toBe(200);
    expect(faults).toEqual([]);
  });
});
