import { describe, expect, test } from 'vitest';
import { ROUTES } from '../../contract/api/routes.ts';
import { GATEWAY_RESPONSES } from '../../contract/gateway-responses.ts';
import { literalTemplate } from '../../lib/service/gateway-problems.ts';
import { deployed, ofType, type Resource, synthesizedTemplates } from './synthesis.ts';

const { service } = synthesizedTemplates();
const { resources } = service;

const pathOf = (resourceId: string): string => {
  const resource = resources[resourceId] as Resource & { Properties: { ParentId: { Ref?: string }; PathPart: string } };
  const { ParentId, PathPart } = resource.Properties;
  return `${ParentId.Ref === undefined ? '' : pathOf(ParentId.Ref)}/${PathPart}`;
};
const [stage] = ofType(resources, 'AWS::ApiGateway::Stage').map(([, { Properties }]) => Properties['StageName']);
const methods = new Map(
  ofType(resources, 'AWS::ApiGateway::Method').map(([, { Properties }]) => [
    // The stage is the first segment of every path.
    `${String(Properties['HttpMethod'])} /${stage}${pathOf((Properties['ResourceId'] as { Ref: string }).Ref)}`,
    Properties,
  ]),
);
const [authorizerId] = ofType(resources, 'AWS::ApiGateway::Authorizer').map(([id]) => id);
const functionArn = (name: string): string => {
  const [id] = ofType(resources, 'AWS::Lambda::Function')
    .filter(([, { Properties }]: [string, Resource]) => Properties['FunctionName'] === `graphfleet-dev-${name}`)
    .map(([id]) => id);
  return `arn:aws:${id}`;
};

test('the API has every route of the contract, and no other', () => {
  expect([...methods.keys()].sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
});

describe.each(ROUTES)('$method $path', ({ method, path, scope, streams, function: name }) => {
  const properties = methods.get(`${method} ${path}`) ?? {};
  const { Uri, ...integration } = (properties['Integration'] ?? {}) as Record<string, unknown>;

  test(scope === null ? 'is open to everyone' : 'takes callers with a token only', () => {
    expect(properties).toMatchObject(
      scope === null
        ? { AuthorizationType: 'NONE' }
        : { AuthorizationType: 'CUSTOM', AuthorizerId: { Ref: authorizerId } },
    );
  });

  test(`goes to ${name} ${streams ? 'and streams the answer' : 'and answers at once'}`, () => {
    const invocation = streams ? '2021-11-15' : '2015-03-31';
    const end = streams ? 'response-streaming-invocations' : 'invocations';
    expect(deployed(Uri, resources)).toContain(`path/${invocation}/functions/${functionArn(name)}/${end}`);
    expect(integration).toMatchObject({ Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST' });
    expect(integration['ResponseTransferMode']).toBe(streams ? 'STREAM' : undefined);
  });
});

test('the authorizer is the function authorize, asked with the bearer token', () => {
  const authorizer = resources[authorizerId ?? '']?.Properties ?? {};
  expect(authorizer).toMatchObject({ Type: 'TOKEN', IdentitySource: 'method.request.header.Authorization' });
  expect(JSON.stringify(authorizer['AuthorizerUri'])).toContain(functionArn('authorize').replace('arn:aws:', ''));
});

test('what API Gateway answers by itself are the problems of the contract', () => {
  const answers = ofType(resources, 'AWS::ApiGateway::GatewayResponse').map(([, { Properties }]) => Properties);
  expect(answers.map(({ ResponseType }) => ResponseType).sort()).toEqual(Object.keys(GATEWAY_RESPONSES).sort());
  for (const { ResponseType, StatusCode, ResponseTemplates, ResponseParameters } of answers) {
    const problem = GATEWAY_RESPONSES[ResponseType as keyof typeof GATEWAY_RESPONSES];
    expect(StatusCode).toBe(String(problem.status));
    expect(JSON.parse((ResponseTemplates as Record<string, string>)['application/json'] ?? '')).toEqual(problem);
    expect(ResponseParameters).toMatchObject({
      'gatewayresponse.header.Content-Type': "'application/problem+json'",
    });
  }
});

test('a dollar sign in a problem is not taken for a variable, and reads as itself', () => {
  const template = literalTemplate({ detail: 'costs $context.requestId' });
  expect(template).not.toContain('$');
  expect(JSON.parse(template)).toEqual({ detail: 'costs $context.requestId' });
});

test('the stage is throttled and traced, and its log names neither query, header nor body', () => {
  const [[, stage] = []] = ofType(resources, 'AWS::ApiGateway::Stage');
  const { AccessLogSetting, MethodSettings, TracingEnabled } = stage?.Properties ?? {};
  expect(TracingEnabled).toBe(true);
  expect(MethodSettings).toMatchObject([
    { ResourcePath: '/*', ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100, DataTraceEnabled: false },
  ]);
  const { Format } = AccessLogSetting as { Format: string };
  expect(Format).not.toMatch(/query|header|body|\$context\.path|authorizer\.claims/i);
  expect(JSON.parse(Format)).toMatchObject({ route: '$context.resourcePath', status: '$context.status' });
});
