import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient, ListTablesCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServicesCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, inject, test } from 'vitest';
import { awsQuery } from './aws-query.ts';
import { UNKNOWN_TYPES } from './emulated-assembly.ts';
import { signedFor } from './signed-for.ts';

/**
 * What the emulator gets wrong or can not do, a minimal case each; docs/emulator.md says what AWS does, and which test
 * covers the path elsewhere. One that fails is good news: the emulator has learnt it, and its adaptation can go.
 */

const { endpoint, environment } = inject('deployed');

const SETTINGS = {
  endpoint,
  region: environment['AWS_REGION'] ?? '',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};
const FUNCTIONS = 'arn:aws:apigateway:us-east-1:lambda:path/';
const LOOK_AGAIN_MS = 100;
const IN_PROGRESS = /_IN_PROGRESS$/;

/** Makes a stack of its own, and resolves with how that ended and what it puts out. */
const stackOf = async (StackName: string, Resources: object, Outputs: object = {}) => {
  const TemplateBody = JSON.stringify({ Resources, Outputs });
  await awsQuery('cloudformation', { Action: 'CreateStack', StackName, TemplateBody });
  for (;;) {
    const answer = await awsQuery('cloudformation', { Action: 'DescribeStacks', StackName });
    const status = /<StackStatus>(\w+)</.exec(answer)?.[1] ?? '';
    const outputs = Object.fromEntries(
      [...answer.matchAll(/<OutputKey>(\w+)<\/OutputKey>\s*<OutputValue>([^<]*)</g)].map(([, key, value]) => [
        key,
        value,
      ]),
    ) as Record<string, string>;
    if (!IN_PROGRESS.test(status)) return { status, outputs };
    await sleep(LOOK_AGAIN_MS);
  }
};

const trusts = (Service: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }],
});
const role = (service: string) => ({
  Type: 'AWS::IAM::Role',
  Properties: { AssumeRolePolicyDocument: trusts(`${service}.amazonaws.com`) },
});
const inlineFunction = (code: string) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Code: { ZipFile: code },
  },
});

describe('CloudFormation', () => {
  test.each(Object.keys(UNKNOWN_TYPES))('can not make %s', async (Type) => {
    const TemplateBody = JSON.stringify({ Resources: { It: { Type, Properties: {} } } });
    const answer = await awsQuery('cloudformation', { Action: 'CreateStack', StackName: 'unknown', TemplateBody });
    expect(answer).toContain(`Unrecognized resource types: [${Type}]`);
  });

  test('can not make an alarm on what is computed of metrics', async () => {
    const Metrics = [
      {
        Id: 'a',
        MetricStat: { Metric: { Namespace: 'N', MetricName: 'A' }, Period: 60, Stat: 'Sum' },
        ReturnData: false,
      },
      { Id: 'b', Expression: 'a * 2' },
    ];
    const Properties = {
      Metrics,
      Threshold: 1,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    };
    const { status } = await stackOf('metric-math', { It: { Type: 'AWS::CloudWatch::Alarm', Properties } });
    expect(status).not.toBe('CREATE_COMPLETE');
  });

  test('takes the name of a secret for what refers to it', async () => {
    const { outputs } = await stackOf(
      'secret',
      { It: { Type: 'AWS::SecretsManager::Secret', Properties: {} } },
      { Ref: { Value: { Ref: 'It' } }, Id: { Value: { 'Fn::GetAtt': ['It', 'Id'] } } },
    );
    expect(outputs['Id']).toMatch(/^arn:aws:secretsmanager:/);
    expect(outputs['Ref']).not.toMatch(/^arn:/);
  });
});

describe('Lambda and API Gateway', () => {
  test('the runtime of Node has nothing to stream with', async () => {
    const { outputs } = await stackOf(
      'streaming',
      {
        Role: role('lambda'),
        It: inlineFunction('exports.handler = async () => typeof awslambda;'),
      },
      { Name: { Value: { Ref: 'It' } } },
    );
    const answer = await fetch(`${endpoint}/2015-03-31/functions/${outputs['Name']}/invocations`, {
      method: 'POST',
      body: '{}',
      headers: { authorization: signedFor('lambda') },
    });
    expect(await answer.json()).toBe('undefined');
  });

  const RestApiId = { Ref: 'Api' };
  const addressOf = (api: string | undefined) => `${endpoint}/restapis/${api}/stage/_user_request_/`;
  const method = (HttpMethod: string, own: object) => ({
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      RestApiId,
      ResourceId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] },
      HttpMethod,
      AuthorizationType: 'NONE',
      ...own,
    },
  });
  const calling = (version: string, action: string) => ({
    'Fn::Join': ['', [`${FUNCTIONS}${version}/functions/`, { 'Fn::GetAtt': ['It', 'Arn'] }, `/${action}`]],
  });
  const deploymentAfter = (...DependsOn: string[]) => ({
    Type: 'AWS::ApiGateway::Deployment',
    DependsOn,
    Properties: { RestApiId, StageName: 'stage' },
  });

  test('an integration that streams is answered 500', async () => {
    const proxied = (version: string, action: string) => ({
      Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri: calling(version, action) },
    });
    const { outputs } = await stackOf(
      'stream-integration',
      {
        Role: role('lambda'),
        It: inlineFunction('exports.handler = async () => ({ statusCode: 200, body: "streamed" });'),
        Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'stream-integration' } },
        Streaming: method('GET', proxied('2021-11-15', 'response-streaming-invocations')),
        Whole: method('POST', proxied('2015-03-31', 'invocations')),
        Deployment: deploymentAfter('Streaming', 'Whole'),
      },
      { Api: { Value: RestApiId } },
    );
    const address = addressOf(outputs['Api']);
    expect((await fetch(address, { method: 'POST' })).status).toBe(200);
    expect((await fetch(address)).status).toBe(500);
  });

  test('a key that the authorizer names is not looked at; one that the caller sends is', async () => {
    const key = 'KeyOfAUsagePlanOfTheStage';
    const answer = {
      principalId: 'anyone',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }],
      },
      usageIdentifierKey: key,
    };
    const { outputs } = await stackOf(
      'key-of-authorizer',
      {
        Role: role('lambda'),
        It: inlineFunction(`exports.handler = async () => (${JSON.stringify(answer)});`),
        Api: {
          Type: 'AWS::ApiGateway::RestApi',
          Properties: { Name: 'key-of-authorizer', ApiKeySourceType: 'AUTHORIZER' },
        },
        Authorizer: {
          Type: 'AWS::ApiGateway::Authorizer',
          Properties: {
            RestApiId,
            Name: 'it',
            Type: 'TOKEN',
            IdentitySource: 'method.request.header.Authorization',
            AuthorizerUri: calling('2015-03-31', 'invocations'),
          },
        },
        Method: method('GET', {
          AuthorizationType: 'CUSTOM',
          AuthorizerId: { Ref: 'Authorizer' },
          ApiKeyRequired: true,
          Integration: { Type: 'MOCK' },
        }),
        Deployment: deploymentAfter('Method'),
        Key: { Type: 'AWS::ApiGateway::ApiKey', Properties: { Value: key, Enabled: true } },
        Plan: {
          Type: 'AWS::ApiGateway::UsagePlan',
          DependsOn: 'Deployment',
          Properties: { ApiStages: [{ ApiId: RestApiId, Stage: 'stage' }] },
        },
        KeyOfPlan: {
          Type: 'AWS::ApiGateway::UsagePlanKey',
          Properties: { KeyId: { Ref: 'Key' }, KeyType: 'API_KEY', UsagePlanId: { Ref: 'Plan' } },
        },
      },
      { Api: { Value: RestApiId } },
    );
    const call = (headers: Record<string, string>) =>
      fetch(addressOf(outputs['Api']), { headers: { authorization: 'Bearer any', ...headers } });
    expect((await call({})).status).toBe(403);
    expect((await call({ 'x-api-key': key })).status).toBe(200);
  });
});

describe('a task of Step Functions', () => {
  const BROKEN =
    'exports.handler = async () => { throw Object.assign(new Error("It is broken"), { name: "Broken" }); };';

  const endOf = async (name: string, code: string, resource: string, task: object = {}) => {
    const { outputs } = await stackOf(
      name,
      {
        Role: role('lambda'),
        It: inlineFunction(code),
        Machine: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: {
            RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
            Definition: {
              StartAt: 'Wait',
              States: {
                Wait: {
                  Type: 'Task',
                  Resource: `arn:aws:states:::lambda:${resource}`,
                  Parameters: { FunctionName: { Ref: 'It' }, Payload: {} },
                  End: true,
                  ...task,
                },
              },
            },
          },
        },
      },
      { Machine: { Value: { Ref: 'Machine' } } },
    );
    const client = new SFNClient(SETTINGS);
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn: outputs['Machine'] }));
    for (;;) {
      const { status, error } = await client.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') return error;
      await sleep(LOOK_AGAIN_MS);
    }
  };

  test('has one error for everything that its function throws', async () => {
    expect(await endOf('error-name', BROKEN, 'invoke')).toBe('Runtime.HandlerError');
  });

  test('that waits for its token does not fail when its function does', async () => {
    expect(await endOf('failing-dispatch', BROKEN, 'invoke.waitForTaskToken', { TimeoutSeconds: 2 })).toBe(
      'States.Timeout',
    );
  });

  test('that waits for its token does not miss a heartbeat', async () => {
    const times = { HeartbeatSeconds: 1, TimeoutSeconds: 3 };
    expect(await endOf('heartbeat', 'exports.handler = async () => {};', 'invoke.waitForTaskToken', times)).toBe(
      'States.Timeout',
    );
  });
});

test('a copy in S3 has no checksum, though it is asked for one', async () => {
  const headers = { authorization: signedFor('s3') };
  const put = (path: string, more: Record<string, string> = {}) =>
    fetch(`${endpoint}/${path}`, { method: 'PUT', body: 'content', headers: { ...headers, ...more } });
  await put('copies');
  await put('copies/from');
  const from = { 'x-amz-copy-source': 'copies/from', 'x-amz-checksum-algorithm': 'SHA256' };
  const answer = await (await put('copies/to', from)).text();
  expect(answer).toContain('<CopyObjectResult');
  expect(answer).not.toContain('ChecksumSHA256');
});

test('DynamoDB takes a key to start from that no item can have', async () => {
  const client = new DynamoDBClient(SETTINGS);
  const TableName = 'start-keys';
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  const answer = await client.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'a' } },
      // No key is empty.
      ExclusiveStartKey: { pk: { S: 'a' }, sk: { S: '' } },
    }),
  );
  expect(answer.Items).toEqual([]);
});

test('IAM keeps a role without any permission from nothing', async () => {
  const { outputs } = await stackOf(
    'no-permission',
    { Role: role('lambda') },
    { Arn: { Value: { 'Fn::GetAtt': ['Role', 'Arn'] } } },
  );
  const call = {
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: outputs['Arn'] ?? '',
    RoleSessionName: 'nobody',
  };
  const answer = await awsQuery('sts', call);
  const field = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(answer)?.[1] ?? '';
  const credentials = {
    accessKeyId: field('AccessKeyId'),
    secretAccessKey: field('SecretAccessKey'),
    sessionToken: field('SessionToken'),
  };
  const { TableNames } = await new DynamoDBClient({ ...SETTINGS, credentials }).send(new ListTablesCommand({}));
  expect(TableNames).toContainEqual(expect.stringContaining('ControlTable'));
});

describe('ECS', () => {
  const client = new ECSClient(SETTINGS);

  /** A cluster, and the task definition `nothing`. */
  const createCluster = async (clusterName: string): Promise<void> => {
    await client.send(new CreateClusterCommand({ clusterName }));
    const containerDefinitions = [{ name: 'nothing', image: 'nobody/has-this', memory: 64 }];
    await client.send(new RegisterTaskDefinitionCommand({ family: 'nothing', containerDefinitions }));
  };

  test('says of a task that it runs, whose image nobody has', async () => {
    const cluster = 'of-nothing';
    await createCluster(cluster);
    const { tasks: [task] = [] } = await client.send(new RunTaskCommand({ cluster, taskDefinition: 'nothing' }));
    const { tasks = [] } = await client.send(new DescribeTasksCommand({ cluster, tasks: [task?.taskArn ?? ''] }));
    expect(tasks[0]?.lastStatus).toBe('RUNNING');
  });

  test('deletes a cluster that has a service, which stays', async () => {
    const cluster = 'in-use';
    await createCluster(cluster);
    const service = { serviceName: 'one', taskDefinition: 'nothing', desiredCount: 1 };
    await client.send(new CreateServiceCommand({ cluster, ...service }));
    const { cluster: deleted } = await client.send(new DeleteClusterCommand({ cluster }));
    expect(deleted).toMatchObject({ status: 'INACTIVE', activeServicesCount: 1 });
    const { serviceArns = [] } = await client.send(new ListServicesCommand({ cluster }));
    expect(serviceArns).toHaveLength(1);
  });
});
