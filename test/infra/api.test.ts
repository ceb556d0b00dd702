import { describe, expect, test } from 'vitest';
import { ROUTES } from '../../contract/api/routes.ts';
import { GATEWAY_RESPONSES } from '../../contract/gateway-responses.ts';
import { CALLER_KINDS, type CallerKind, usagePlanKey } from '../../contract/usage-plans.ts';
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
  return `arn:aws:${id}:live`;
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

  test(scope === null ? 'is in no usage plan' : 'counts in the usage plan of its caller', () => {
    expect(properties['ApiKeyRequired'] ?? false).toBe(scope !== null);
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
  expect(authorizer).toMatchObject({
    Type: 'TOKEN',
    IdentitySource: 'method.request.header.Authorization',
    // So long a token that has expired is taken; docs/operations.md says it too.
    AuthorizerResultTtlInSeconds: 60,
  });
  // The URI takes the ARN apart for its partition and region, which only CloudFormation can.
  expect(JSON.stringify(authorizer['AuthorizerUri'])).toMatch(
    /:ExportsOutputRefAuthorizeFunctionLive\w+"\},"\/invocations"/,
  );
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
    // What a wait of a second does not mend does not ask for one.
    const waits = ['THROTTLED', 'INTEGRATION_TIMEOUT', 'INTEGRATION_FAILURE'].includes(String(ResponseType));
    expect((ResponseParameters as object)['gatewayresponse.header.Retry-After' as never]).toBe(
      waits ? "'1'" : undefined,
    );
  }
});

test('a day that is used up is told apart from a burst, and a key of no plan is our fault', () => {
  expect(GATEWAY_RESPONSES.QUOTA_EXCEEDED).toMatchObject({ status: 429, code: 'limit_reached', retryable: false });
  expect(GATEWAY_RESPONSES.THROTTLED).toMatchObject({ status: 429, code: 'limit_reached', retryable: true });
  expect(GATEWAY_RESPONSES.INVALID_API_KEY).toMatchObject({ status: 500, code: 'internal' });
});

test('what the firewall refuses is 403, and not a request that could be mended', () => {
  expect(GATEWAY_RESPONSES.WAF_FILTERED).toMatchObject({ status: 403, code: 'forbidden', retryable: false });
});

test('a dollar sign in a problem is not taken for a variable, and reads as itself', () => {
  const template = literalTemplate({ detail: 'costs $context.requestId' });
  expect(template).not.toContain('$');
  expect(JSON.parse(template)).toEqual({ detail: 'costs $context.requestId' });
});

test('what changes something and what asks for much have limits of their own', () => {
  const [[, found] = []] = ofType(resources, 'AWS::ApiGateway::Stage');
  const settings = found?.Properties['MethodSettings'] as {
    ResourcePath: string;
    HttpMethod: string;
    LoggingLevel?: string;
  }[];
  const limitOf = (path: string, method: string) =>
    settings.find(
      ({ ResourcePath, HttpMethod }) => ResourcePath.replaceAll('~1', '/').endsWith(path) && HttpMethod === method,
    );
  expect(limitOf('/graphs', 'POST')).toMatchObject({ ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 });
  expect(limitOf('/query', 'POST')).toMatchObject({ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
  expect(limitOf('/graphs', 'GET')).toBeUndefined();
  // An entry of a method replaces the stage's settings, and does not add to them.
  expect(settings.filter(({ LoggingLevel }) => LoggingLevel !== 'ERROR')).toEqual([]);
});

describe('the usage plans', () => {
  const plans = ofType(resources, 'AWS::ApiGateway::UsagePlan');
  const keys = ofType(resources, 'AWS::ApiGateway::ApiKey');
  const planOf = (kind: CallerKind) => plans.find(([, { Properties }]) => Properties['UsagePlanName'] === nameOf(kind));
  const keyOf = (kind: CallerKind) => keys.find(([, { Properties }]) => Properties['Name'] === nameOf(kind));
  const nameOf = (kind: CallerKind) => `graphfleet-dev-${kind}`;

  test('have keys that callers can not send: the API takes them from its authorizer', () => {
    const [[, api] = []] = ofType(resources, 'AWS::ApiGateway::RestApi');
    expect(api?.Properties).toMatchObject({ ApiKeySourceType: 'AUTHORIZER' });
  });

  test('are one for each kind of caller, about the stage, and there is no other', () => {
    expect(plans).toHaveLength(CALLER_KINDS.length);
    const [[stageId, { Properties }] = ['', { Properties: {} }]] = ofType(resources, 'AWS::ApiGateway::Stage');
    for (const kind of CALLER_KINDS) {
      expect(planOf(kind)?.[1].Properties['ApiStages']).toEqual([
        { ApiId: Properties['RestApiId' as never], Stage: { Ref: stageId }, Throttle: {} },
      ]);
    }
  });

  test('are made one after the other, as API Gateway refuses such changes at once', () => {
    const [first = ''] = planOf('tenants') ?? [];
    const keysOfFirst = ofType(resources, 'AWS::ApiGateway::UsagePlanKey').flatMap(([id, { Properties }]) =>
      (Properties['UsagePlanId'] as { Ref: string }).Ref === first ? [id] : [],
    );
    expect(keysOfFirst).toHaveLength(1);
    expect(planOf('operators')?.[1].DependsOn).toEqual(expect.arrayContaining([first, ...keysOfFirst]));
  });

  test('have what the configuration gives each kind', () => {
    expect(planOf('tenants')?.[1].Properties).toMatchObject({
      Throttle: { RateLimit: 100, BurstLimit: 200 },
      Quota: { Limit: 1_000_000, Period: 'DAY' },
    });
    expect(planOf('operators')?.[1].Properties).toMatchObject({ Throttle: { RateLimit: 50, BurstLimit: 100 } });
    expect(planOf('operators')?.[1].Properties).not.toHaveProperty('Quota');
  });

  test('have one key each, the one that the authorizer names by its own environment', () => {
    const [authorize] = ofType(resources, 'AWS::Lambda::Function').flatMap(([, { Properties }]) =>
      Properties['FunctionName'] === 'graphfleet-dev-authorize' ? [Properties['Environment']] : [],
    );
    const { Variables: variables } = authorize as { Variables: { NAME_PREFIX: string } };
    expect(keys).toHaveLength(CALLER_KINDS.length);
    const members = ofType(resources, 'AWS::ApiGateway::UsagePlanKey').map(([, { Properties }]) => Properties);
    expect(members).toHaveLength(CALLER_KINDS.length);
    for (const kind of CALLER_KINDS) {
      const [keyId, key] = keyOf(kind) ?? [];
      expect(key?.Properties).toMatchObject({ Value: usagePlanKey(variables.NAME_PREFIX, kind), Enabled: true });
      expect(members).toContainEqual({
        KeyId: { Ref: keyId },
        KeyType: 'API_KEY',
        UsagePlanId: { Ref: planOf(kind)?.[0] },
      });
    }
  });
});

describe('what is refused before a function runs', () => {
  const validated = (route: string) => {
    const { RequestValidatorId, RequestModels, RequestParameters } = methods.get(route) ?? {};
    return { is: RequestValidatorId !== undefined, RequestModels, RequestParameters };
  };
  const model = { 'application/json': { Ref: ofType(resources, 'AWS::ApiGateway::Model')[0]?.[0] } };

  test('a body that is no object, where one is needed, and a call without the key that it needs', () => {
    expect(validated('POST /v1/graphs')).toMatchObject({ is: true, RequestModels: model });
    expect(validated('POST /v1/graphs/{graphId}/credits/consumptions')).toMatchObject({
      is: true,
      RequestParameters: { 'method.request.header.Idempotency-Key': true },
    });
  });

  test('nothing where the body may be left out, and nothing of a webhook: that is for its signature', () => {
    for (const route of ['GET /v1/graphs', 'POST /v1/graphs/{graphId}/backups', 'POST /v1/billing/webhook']) {
      expect(methods.has(route), route).toBe(true);
      expect(validated(route), route).toMatchObject({ is: false });
    }
  });
});

describe('the firewall', () => {
  const [[listId, list] = []] = ofType(resources, 'AWS::WAFv2::WebACL');
  const rules = list?.Properties['Rules'] as { Name: string; Priority: number; Statement: Record<string, never> }[];

  test('stands before the stage', () => {
    const [[, association] = []] = ofType(resources, 'AWS::WAFv2::WebACLAssociation');
    expect(association?.Properties['WebACLArn']).toEqual({ 'Fn::GetAtt': [listId, 'Arn'] });
    const [stageId] = ofType(resources, 'AWS::ApiGateway::Stage').map(([id]) => id);
    expect(JSON.stringify(association?.Properties['ResourceArn'])).toContain(`{"Ref":"${stageId}"}`);
  });

  test("has AWS's rules, and limits by address and by token", () => {
    expect(rules.map(({ Name }) => Name)).toEqual([
      'AWSManagedRulesAmazonIpReputationList',
      'AWSManagedRulesKnownBadInputsRuleSet',
      'AWSManagedRulesCommonRuleSet',
      'RequestsOfAddress',
      'RequestsOfToken',
    ]);
    expect(new Set(rules.map(({ Priority }) => Priority)).size).toBe(rules.length);
    // Those of AWS block; one that was switched to counting as a whole would watch only.
    expect(rules.slice(0, 3)).toMatchObject(Array(3).fill({ OverrideAction: { None: {} } }));
    expect(rules.slice(3)).toMatchObject(
      Array(2).fill({ Action: { Block: { CustomResponse: { ResponseCode: 429, CustomResponseBodyKey: 'TooMany' } } } }),
    );
    expect(list?.Properties['CustomResponseBodies']).toEqual({
      TooMany: { ContentType: 'APPLICATION_JSON', Content: JSON.stringify(GATEWAY_RESPONSES.THROTTLED) },
    });
    expect(rules.slice(3).map(({ Statement }) => Statement['RateBasedStatement'])).toMatchObject([
      { AggregateKeyType: 'IP', Limit: 10_000 },
      { AggregateKeyType: 'CUSTOM_KEYS', CustomKeys: [{ Header: { Name: 'authorization' } }] },
    ]);
  });

  test('does not refuse a large body, Cypher for what looks like a script, or who does not say what it is', () => {
    const { ManagedRuleGroupStatement: common } = rules[2]?.Statement ?? {};
    const { RuleActionOverrides } = common as unknown as {
      RuleActionOverrides: { Name: string; ActionToUse: object }[];
    };
    const counted = RuleActionOverrides.filter(({ ActionToUse }) => 'Count' in ActionToUse).map(({ Name }) => Name);
    expect(counted.sort()).toEqual([
      'CrossSiteScripting_BODY',
      'EC2MetaDataSSRF_BODY',
      'GenericLFI_BODY',
      'GenericRFI_BODY',
      'NoUserAgent_HEADER',
      'SizeRestrictions_BODY',
    ]);
  });

  test('tells of requests without their query, token and signature, in a log whose name WAF takes', () => {
    const [[, logging] = []] = ofType(resources, 'AWS::WAFv2::LoggingConfiguration');
    const { LogDestinationConfigs = [] } = (logging?.Properties ?? {}) as { LogDestinationConfigs?: unknown[] };
    expect(deployed(LogDestinationConfigs[0], resources)).toMatch(/^arn:.+:log-group:aws-waf-logs-graphfleet-dev$/);
    const logs = ofType(resources, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties['LogGroupName']);
    expect(logs).toContain('aws-waf-logs-graphfleet-dev');
    expect(logging?.Properties['RedactedFields']).toEqual([
      { QueryString: {} },
      { SingleHeader: { Name: 'authorization' } },
      { SingleHeader: { Name: 'webhook-signature' } },
    ]);
    for (const { VisibilityConfig } of [list?.Properties ?? {}, ...rules] as { VisibilityConfig?: object }[]) {
      expect(VisibilityConfig).toMatchObject({ SampledRequestsEnabled: false });
    }
  });
});

test('the stage comes after the role by which API Gateway writes logs: an account that has none refuses it', () => {
  const [[accountId = '', account] = []] = ofType(resources, 'AWS::ApiGateway::Account');
  const [roleId] =
    ofType(resources, 'AWS::IAM::Role').filter(([, { Properties }]) =>
      JSON.stringify(Properties['ManagedPolicyArns'] ?? []).includes('/AmazonAPIGatewayPushToCloudWatchLogs'),
    )[0] ?? [];
  expect(account?.Properties).toMatchObject({ CloudWatchRoleArn: { 'Fn::GetAtt': [roleId, 'Arn'] } });
  const [[, stage] = []] = ofType(resources, 'AWS::ApiGateway::Stage');
  expect(stage?.DependsOn).toContain(accountId);
});

test('the stage is throttled and traced, and its log names neither query, header nor body', () => {
  const [[, stage] = []] = ofType(resources, 'AWS::ApiGateway::Stage');
  const { AccessLogSetting, MethodSettings, TracingEnabled } = stage?.Properties ?? {};
  expect(TracingEnabled).toBe(true);
  expect(MethodSettings).toContainEqual(
    expect.objectContaining({
      ResourcePath: '/*',
      HttpMethod: '*',
      ThrottlingRateLimit: 50,
      ThrottlingBurstLimit: 100,
      DataTraceEnabled: false,
    }),
  );
  const { Format } = AccessLogSetting as { Format: string };
  expect(Format).not.toMatch(/query|header|body|\$context\.path|authorizer\.claims/i);
  expect(JSON.parse(Format)).toMatchObject({
    route: '$context.resourcePath',
    status: '$context.status',
    xray_trace_id: '$context.xrayTraceId',
  });
});

test('answers of 5xx are counted in the access log, by the field that has the status that clients got', () => {
  const [[, stage] = []] = ofType(resources, 'AWS::ApiGateway::Stage');
  const { AccessLogSetting } = stage?.Properties ?? {};
  const { DestinationArn, Format } = AccessLogSetting as { DestinationArn: object; Format: string };
  const patterns = ofType(resources, 'AWS::Logs::MetricFilter').flatMap(([, { Properties }]) => {
    const { Ref: log } = Properties['LogGroupName'] as { Ref: string };
    return JSON.stringify(DestinationArn).includes(`"${log}"`) ? [String(Properties['FilterPattern'])] : [];
  });
  const [fieldOfStatus] =
    Object.entries(JSON.parse(Format) as Record<string, string>).find(([, value]) => value === '$context.status') ?? [];
  expect(patterns).toEqual([`{ $.${fieldOfStatus} = "5*" }`]);
});
