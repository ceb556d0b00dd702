import { expect, test } from 'vitest';
import { type Statement, statementsIn, synthesizedTemplates } from './synthesis.ts';

const { fleet, service } = synthesizedTemplates();
const statements = [fleet, service].flatMap(({ resources }) => statementsIn(resources));
const actionsOf = ({ Action }: Pick<Statement, 'Action'>) => [Action].flat();

/** Actions that IAM knows no resource for, or that are done before the resource has a name. */
const WITHOUT_RESOURCE = [
  /^xray:/, // traces belong to no resource
  /^ec2:(Create|Describe|Delete)NetworkInterfaces?$|^ec2:DescribeSubnets$|^ec2:(Una|A)ssignPrivateIpAddresses$/, // Lambda's own
  /^logs:(\w+LogDelivery|ListLogDeliveries|\w+ResourcePolic(y|ies)|DescribeLogGroups)$/, // log delivery of Step Functions
  /^states:SendTask(Success|Failure|Heartbeat)$/, // the token is the right
  /^ecr:GetAuthorizationToken$/, // a log-in to the registry as a whole
  /^ecs:(Describe|Deregister)TaskDefinition$/, // a definition is told by its family, which IAM does not look at
  /^ecs:ListTasks$/, // by cluster, as a condition
];

test('no role has a wildcard in an action', () => {
  expect(statements.length).toBeGreaterThan(50);
  for (const action of statements.flatMap(actionsOf)) expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/);
});

test('a role may do something to any resource only where IAM knows none', () => {
  for (const statement of statements.filter(({ Resource }) => [Resource].flat().includes('*'))) {
    for (const action of actionsOf(statement)) {
      expect({
        role: statement.of,
        action,
        allowed: WITHOUT_RESOURCE.some((known) => known.test(action)),
      }).toEqual({
        role: statement.of,
        action,
        allowed: true,
      });
    }
  }
});

test('roles are passed to tasks of ECS only, by the functions that have ECS start instances', () => {
  const passing = statements.filter((statement) => actionsOf(statement).includes('iam:PassRole'));
  expect(passing).toMatchObject(
    ['CreateService', 'ReplaceTask', 'RollBackTask'].map((name) => ({
      of: expect.stringContaining(name),
      Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    })),
  );
});

test('the secrets of webhooks are read, and decrypted, by the one function that verifies webhooks', () => {
  for (const action of ['secretsmanager:GetSecretValue', 'kms:Decrypt']) {
    expect(statements.filter((statement) => actionsOf(statement).includes(action))).toMatchObject([
      {
        of: expect.stringContaining('ReceiveBillingEvent'),
        ...(action === 'kms:Decrypt' && { Condition: { StringEquals: { 'kms:ViaService': expect.anything() } } }),
      },
    ]);
  }
});
