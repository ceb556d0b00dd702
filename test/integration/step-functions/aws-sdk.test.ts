import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentials, region, startHarness } from './harness.ts';

/** The embedded DynamoDB; it comes without types. */
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)('dynalite');

const received: unknown[] = [];

/** As much of ECS as it takes: it answers with the service it was told to update, or does not know it. */
const answerAsEcs = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = (await json(request)) as { service: string };
  received.push(body);
  const known = body.service !== 'unknown';
  const service = {
    serviceName: body.service,
    desiredCount: 1,
    createdAt: 1_700_000_000,
    tags: [{ key: 'a', value: 'b' }],
  };
  const error = { __type: 'ServiceNotFoundException', message: 'Service not found.' };
  response.writeHead(known ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(known ? { service } : error));
};

const dynamodbServer = dynalite({ createTableMs: 0 });
const ecsServer = createServer((request, response) => void answerAsEcs(request, response));
let dynamodb: DynamoDBClient;
let ecs: ECSClient;

beforeAll(async () => {
  dynamodbServer.listen(0, '127.0.0.1');
  ecsServer.listen(0, '127.0.0.1');
  await Promise.all([once(dynamodbServer, 'listening'), once(ecsServer, 'listening')]);
  const at = (address: AddressInfo) => `http://127.0.0.1:${address.port}`;
  const settings = { region, credentials, maxAttempts: 1 };
  dynamodb = new DynamoDBClient({ ...settings, endpoint: at(dynamodbServer.address() as AddressInfo) });
  ecs = new ECSClient({ ...settings, endpoint: at(ecsServer.address() as AddressInfo) });
  await dynamodb.send(
    new CreateTableCommand({
      TableName: 'control',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
});

afterAll(() => {
  dynamodb.destroy();
  ecs.destroy();
  dynamodbServer.close();
  ecsServer.close();
});

const runTask = async (action: string, Arguments: object, more: object = {}) => {
  await using harness = await startHarness({ sdk: { dynamodb, ecs } });
  const T = { Type: 'Task', Resource: `arn:aws:states:::aws-sdk:${action}`, Arguments, End: true, ...more };
  const machineArn = await harness.create('sdk', { QueryLanguage: 'JSONata', StartAt: 'T', States: { T } });
  const { status, output, error, cause } = await harness.finish(await harness.start(machineArn, { id: 'a' }));
  return { status, error, cause, output: JSON.parse(output ?? 'null') };
};

test('an item is written and read in AttributeValue form', async () => {
  const Item = {
    id: { S: '{% $states.input.id %}' },
    n: { N: '1' },
    raw: { B: 'AQI=' },
    deep: { M: { l: { L: [] } } },
  };
  expect(await runTask('dynamodb:putItem', { TableName: 'control', Item })).toMatchObject({ output: {} });
  const { output } = await runTask('dynamodb:getItem', { TableName: 'control', Key: { id: { S: 'a' } } });
  expect(output).toEqual({ Item: { ...Item, id: { S: 'a' } } });
});

test('a condition that fails has the name that AWS gives it', async () => {
  const { error, cause } = await runTask('dynamodb:deleteItem', {
    TableName: 'control',
    Key: { id: { S: 'none' } },
    ConditionExpression: 'attribute_exists(id)',
  });
  expect(error).toBe('DynamoDb.ConditionalCheckFailedException');
  expect(cause).toMatch(/\(Service: DynamoDb, Status Code: 400, Request ID: .*\)$/);
});

test('an error that the service does not model has the name of the service', async () => {
  const { error } = await runTask('dynamodb:getItem', { TableName: 'control', Key: { wrong: { S: 'a' } } });
  expect(error).toBe('DynamoDb.DynamoDbException');
});

test('a service in camelCase is called, and answers, in PascalCase', async () => {
  const { output } = await runTask('ecs:updateService', {
    Cluster: 'fleet',
    Service: 'graph-1',
    ForceNewDeployment: true,
    NetworkConfiguration: { AwsvpcConfiguration: { Subnets: ['s'] } },
  });
  expect(received.at(-1)).toEqual({
    cluster: 'fleet',
    service: 'graph-1',
    forceNewDeployment: true,
    networkConfiguration: { awsvpcConfiguration: { subnets: ['s'] } },
  });
  expect(output).toEqual({
    Service: {
      ServiceName: 'graph-1',
      DesiredCount: 1,
      CreatedAt: '2023-11-14T22:13:20.000Z',
      Tags: [{ Key: 'a', Value: 'b' }],
    },
  });
});

test('keys of a map are left as they are', async () => {
  const container = { Name: 'graph', DockerLabels: { 'com.example.a': 'b', lower: 'c' } };
  await runTask('ecs:registerTaskDefinition', { Family: 'f', ContainerDefinitions: [container] });
  expect(received.at(-1)).toEqual({
    family: 'f',
    containerDefinitions: [{ name: 'graph', dockerLabels: { 'com.example.a': 'b', lower: 'c' } }],
  });
});

test('an error of ECS has the name that AWS gives it', async () => {
  const { error } = await runTask('ecs:updateService', { Service: 'unknown' });
  expect(error).toBe('Ecs.ServiceNotFoundException');
});

test('a field that the service has not, deep inside, breaks the machine', async () => {
  const { error, cause } = await runTask('ecs:updateService', { Service: 's', NetworkConfiguration: { vpc: 1 } });
  expect({ error, cause }).toEqual({ error: 'States.Runtime', cause: "The service has no field 'vpc'." });
});
