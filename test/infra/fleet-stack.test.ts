import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { InstanceEnvironment } from '../../contract/environment.ts';
import type { FleetPermission } from '../../lib/fleet/instance-fleet.ts';
import { calledServices } from './called-services.ts';
import { buildDev, deployed, newApp, ofType, type Resource, synthesizedTemplates } from './synthesis.ts';

const { data, fleet, observability, service } = synthesizedTemplates();

type Container = { Environment: { Name: string; Value: unknown }[]; [other: string]: unknown };
const definitions = ofType(fleet.resources, 'AWS::ECS::TaskDefinition').map(([, definition]) => definition);
const containerOf = ({ Properties }: Resource) => (Properties['ContainerDefinitions'] as [Container])[0];

test('no template has an ECS service, so no deploy can cycle an instance', () => {
  for (const { resources } of [data, fleet, observability, service])
    expect(ofType(resources, 'AWS::ECS::Service')).toEqual([]);
});

describe('each task definition', () => {
  test('belongs to a tier, runs on arm64 Fargate and is kept when a newer one comes', () => {
    expect(definitions.map(({ Properties }) => Properties['Family']).sort()).toEqual([
      'graphfleet-dev-large',
      'graphfleet-dev-shared',
      'graphfleet-dev-standard',
      'graphfleet-dev-xlarge',
    ]);
    for (const definition of definitions) {
      expect(definition).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: { RequiresCompatibilities: ['FARGATE'], RuntimePlatform: { CpuArchitecture: 'ARM64' } },
      });
    }
  });

  test('names its image by digest, writes to its work directory only, and has time to stop', () => {
    for (const container of definitions.map(containerOf)) {
      expect(deployed(container['Image'], {})).toMatch(/@sha256:[0-9a-f]{64}$/);
      expect(container).toMatchObject({
        ReadonlyRootFilesystem: true,
        MountPoints: [{ ContainerPath: '/var/lib/graphfleet', ReadOnly: false, SourceVolume: 'work' }],
        StopTimeout: 120,
        LogConfiguration: { LogDriver: 'awslogs' },
        HealthCheck: { Command: expect.arrayContaining(['CMD', 'node']) },
      });
    }
  });

  test('sets the environment that an instance parses when it starts', () => {
    for (const container of definitions.map(containerOf)) {
      const environment = Object.fromEntries(
        container.Environment.map(({ Name, Value }) => [Name, deployed(Value, fleet.resources)]),
      );
      const fromEcs = { ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/task' };
      expect(InstanceEnvironment.parse({ ...environment, ...fromEcs })).toMatchObject({ LISTEN_PORT: 8080 });
    }
  });
});

describe('the network', () => {
  const groupId = (name: string): unknown => {
    const [id] = ofType(fleet.resources, 'AWS::EC2::SecurityGroup')
      .map(([id]) => id)
      .filter((id) => id.includes(name));
    return { 'Fn::GetAtt': [id, 'GroupId'] };
  };

  test('lets only the functions that speak to instances reach them, on one port', () => {
    const ingress = ofType(fleet.resources, 'AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) => Properties);
    const toInstances = ingress.filter(
      ({ GroupId }) => JSON.stringify(GroupId) === JSON.stringify(groupId('Instances')),
    );
    expect(toInstances).toMatchObject([{ FromPort: 8080, ToPort: 8080, SourceSecurityGroupId: groupId('Callers') }]);
    for (const [, { Properties }] of ofType(fleet.resources, 'AWS::EC2::SecurityGroup')) {
      expect(Properties).not.toHaveProperty('SecurityGroupIngress');
    }
  });

  test('has no way to the internet, and an endpoint for each service that is called from it', async () => {
    for (const type of ['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway', 'AWS::EC2::Route']) {
      expect(ofType(fleet.resources, type)).toEqual([]);
    }
    const services = ofType(fleet.resources, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) =>
      deployed(Properties['ServiceName'], {}).replace('com.amazonaws.AWS::Region.', ''),
    );
    expect(services.sort()).toEqual(await calledServices());
  });
});

describe('what functions may do with instances', () => {
  const statementsFor = (permission: FleetPermission) => {
    const app = newApp();
    const { fleet: stack } = buildDev(app);
    const own = new Stack(app, 'Own');
    const role = new Role(own, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    stack.fleet.grant(role, permission);
    const policies = Object.values(Template.fromStack(own).findResources('AWS::IAM::Policy')) as Resource[];
    return policies.flatMap(({ Properties }) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement);
  };
  type Statement = { Action: string | string[]; Resource: unknown; Condition?: unknown };
  const allowed = (statements: Statement[], action: string) =>
    statements.filter(({ Action }) => [Action].flat().includes(action));

  test('replacing changes services and lets go of tasks of this cluster, and registers definitions with the roles of instances', () => {
    const statements = statementsFor('replacesInstances');
    expect(JSON.stringify(allowed(statements, 'ecs:UpdateService')[0]?.Resource)).toMatch(/:service\/.*\/inst-\*/);
    expect(JSON.stringify(allowed(statements, 'ecs:UpdateTaskProtection')[0]?.Resource)).toMatch(/:task\/.*\/\*/);
    expect(allowed(statements, 'ecs:ListTasks')).toMatchObject([{ Condition: { ArnEquals: expect.anything() } }]);
    expect(allowed(statements, 'ecs:RegisterTaskDefinition')).toHaveLength(1);
    expect(allowed(statements, 'iam:PassRole')).toMatchObject([
      { Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } } },
    ]);
    expect(allowed(statements, 'iam:PassRole')[0]?.Resource).toHaveLength(2);
    expect(allowed(statements, 'ecs:TagResource')).toMatchObject([
      { Condition: { StringEquals: { 'ecs:CreateAction': 'RegisterTaskDefinition' } } },
    ]);
    for (const action of ['ecs:CreateService', 'ecs:DeleteService']) expect(allowed(statements, action)).toEqual([]);
  });

  test('looking at them changes nothing', () => {
    const actions = statementsFor('describesInstances').flatMap(({ Action }) => Action);
    for (const action of actions) expect(action).toMatch(/^ecs:(Describe|List)/);
  });

  test('an instance protects tasks of its own cluster, and does nothing else in ECS', () => {
    const policies = ofType(fleet.resources, 'AWS::IAM::Policy').filter(([id]) => id.includes('RolesTask'));
    const statements = policies.flatMap(
      ([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement,
    );
    const inEcs = statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith('ecs:')));
    expect(inEcs).toMatchObject([{ Action: 'ecs:UpdateTaskProtection' }]);
    expect(JSON.stringify(inEcs[0]?.Resource)).toMatch(/:task\/.*\/\*/);
  });
});
