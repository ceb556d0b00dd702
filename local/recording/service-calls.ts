import { CONTROL_TABLE } from '../../domain/control-table.ts';
import type { Call } from './recorded-call.ts';

type ServiceCall = Omit<Call, 'role'>;
type Body = Readonly<Record<string, unknown>>;

/**
 * What IAM decides on when a request in the AWS JSON protocol is made: one call, and those that come with it.
 * @param target the header `x-amz-target`: `DynamoDB_20120810.GetItem`
 */
export const callsOfRequest = (target: string, body: Body): ServiceCall[] => {
  const [service = '', action = ''] = target.split('.');
  if (service.startsWith('DynamoDB')) return [tableCall(action, body)];
  if (service === 'AWSStepFunctions') return [workflowCall(action, body)];
  return clusterCalls(action, body);
};

type TableRequest = {
  IndexName?: string;
  Key?: Attributes;
  Item?: Attributes;
  KeyConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Attributes;
};
type Attributes = Record<string, { S?: string }>;

const tableCall = (action: string, body: Body): ServiceCall => {
  const request = body as TableRequest;
  const { IndexName } = request;
  const index = Object.values(CONTROL_TABLE.indexes).find(({ name }) => name === IndexName);
  const keyName = IndexName === undefined ? CONTROL_TABLE.partitionKey : index?.partitionKey;
  const key = leadingKey(request, keyName ?? '');
  return {
    action: `dynamodb:${action}`,
    resource: IndexName === undefined ? 'table' : `table/index/${IndexName}`,
    ...(key !== undefined && { key: kindOf(key) }),
  };
};

/** The partition key of the one item, or of the items, that a request is for; undefined when it is for no certain one. */
const leadingKey = (request: TableRequest, keyName: string): string | undefined => {
  const { Key, Item, KeyConditionExpression = '', ExpressionAttributeNames: names = {} } = request;
  const item = Key ?? Item;
  if (item !== undefined) return item[keyName]?.S;
  const equalities = KeyConditionExpression.matchAll(/([#\w]+)\s*=\s*(:\w+)/g);
  const [, , value = ''] = [...equalities].find(([, name = '']) => (names[name] ?? name) === keyName) ?? [];
  return request.ExpressionAttributeValues?.[value]?.S;
};

/** A key's kind: what is written in capitals stays, an id becomes `*`. */
const kindOf = (key: string): string =>
  key
    .split('#')
    .map((part) => (/^[A-Z_]+$/.test(part) ? part : '*'))
    .join('#');

const workflowCall = (action: string, { stateMachineArn, executionArn }: Body): ServiceCall => {
  // `arn:aws:states:<region>:<account>:stateMachine:<name>`, with `:<alias>` behind it if one is named.
  const [name, qualifier] = String(stateMachineArn ?? executionArn ?? '')
    .split(':')
    .slice(6);
  if (stateMachineArn === undefined) {
    return { action: `states:${action}`, resource: executionArn === undefined ? '*' : `execution/${name}` };
  }
  return {
    action: `states:${action}`,
    resource: `stateMachine/${name}`,
    ...(qualifier !== undefined && { context: { 'states:StateMachineQualifier': qualifier } }),
  };
};

type ClusterRequest = {
  cluster?: string;
  service?: string;
  serviceName?: string;
  services?: readonly string[];
  taskRoleArn?: string;
  executionRoleArn?: string;
  family?: string;
  tags?: readonly unknown[];
};

/** The actions of ECS that IAM knows no resource for. */
const WITHOUT_RESOURCE = ['DescribeTaskDefinition', 'DeregisterTaskDefinition'];

const clusterCalls = (action: string, body: Body): ServiceCall[] => {
  const { service, serviceName, services = [], family = '', tags = [], ...request } = body as ClusterRequest;
  const inCluster = { context: { 'ecs:cluster': `cluster/${request.cluster ?? 'default'}` } };
  const call = (resource: string, more: Pick<Call, 'context'> = inCluster) => ({
    action: `ecs:${action}`,
    resource,
    ...more,
  });
  if (action === 'RegisterTaskDefinition') {
    const passed = [request.taskRoleArn, request.executionRoleArn].flatMap((arn) => (arn === undefined ? [] : [arn]));
    const definition = `task-definition/${idsLeftOut(family)}:*`;
    return [
      call(definition, {}),
      ...passed.map((arn) => ({
        action: 'iam:PassRole',
        resource: `role/${arn.split('/').at(-1)}`,
        context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
      })),
      ...(tags.length === 0
        ? []
        : [
            {
              action: 'ecs:TagResource',
              resource: definition,
              context: { 'ecs:CreateAction': action },
            },
          ]),
    ];
  }
  if (WITHOUT_RESOURCE.includes(action)) return [call('*', {})];
  if (action === 'ListTasks') return [call('*')];
  const names = [service, serviceName, ...services].flatMap((name) => (name === undefined ? [] : [idsLeftOut(name)]));
  return names.length === 0 ? [call('task/*')] : [...new Set(names)].map((name) => call(`service/${name}`));
};

/** The name of an instance's service or family, without what is the instance's own. */
const idsLeftOut = (name: string): string => name.replace(/inst-.*$/, 'inst-*');
