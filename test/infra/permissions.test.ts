import { describe, expect, test } from 'vitest';
import { ofType, type Statement, statementsIn, synthesizedEverything, synthesizedTemplates } from './synthesis.ts';

const { data, fleet, observability, service } = synthesizedTemplates();
const stages = {
  dev: [data, fleet, observability, service].map(({ resources }) => resources),
  everything: Object.values(synthesizedEverything()).map(({ Resources }) => Resources),
};
const actionsOf = ({ Action }: Pick<Statement, 'Action'>) => [Action].flat();

/** Actions that IAM knows no resource for, or that are done before the resource has a name. */
const WITHOUT_RESOURCE = [
  /^xray:/, // traces belong to no resource
  /^ec2:(Create|Describe|Delete)NetworkInterfaces?$|^ec2:DescribeSubnets$|^ec2:(Una|A)ssignPrivateIpAddresses$/, // Lambda's own
  /^logs:(\w+LogDelivery|ListLogDeliveries|\w+ResourcePolic(y|ies)|DescribeLogGroups)$/, // log delivery of Step Functions
  /^states:SendTask(Success|Failure|Heartbeat)$/, // the token is the right
  /^ecr:GetAuthorizationToken$/, // a log-in to the registry as a whole
  /^ecs:(Describe|Deregister)TaskDefinition$/, // a definition is told by its family, which IAM does not look at
  /^ecs:DiscoverPollEndpoint$/, // where the agent on a host asks
  /^cloudwatch:DescribeAlarms$/, // alarms are asked for by a list of names
];
/** The same, where a condition says in which cluster. */
const IN_CLUSTER = ['ecs:ListTasks', 'ecs:Poll', 'ecs:StartTelemetrySession', 'ecs:UpdateContainerInstancesState'];

const isKnown = (action: string, { Condition }: Statement): boolean =>
  IN_CLUSTER.includes(action)
    ? JSON.stringify(Condition ?? {}).startsWith('{"ArnEquals":{"ecs:cluster":')
    : WITHOUT_RESOURCE.some((known) => known.test(action));

describe.each(Object.entries(stages))('of the stage %s', (_, stacks) => {
  const statements = stacks.flatMap(statementsIn);

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
          allowed: isKnown(action, statement),
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
      // Of somebody else's secret, the configuration has the ARN as it is.
      const ofOurs = statements.filter(({ Resource }) => typeof Resource !== 'string' || !Resource.startsWith('arn:'));
      expect(ofOurs.filter((statement) => actionsOf(statement).includes(action))).toMatchObject([
        {
          of: expect.stringContaining('ReceiveBillingEvent'),
          ...(action === 'kms:Decrypt' && { Condition: { StringEquals: { 'kms:ViaService': expect.anything() } } }),
        },
      ]);
    }
  });
});

test('a stage has fewer roles than the guide says', () => {
  const roles = stages.everything.flatMap((resources) => ofType(resources, 'AWS::IAM::Role'));
  // docs/operations.md has it, among the quotas.
  expect(roles.length).toBeGreaterThan(150);
  expect(roles.length).toBeLessThan(200);
});
