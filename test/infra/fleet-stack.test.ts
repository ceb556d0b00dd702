import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { InstanceEnvironment } from '../../contract/environment.ts';
import { openDatabasesIn } from '../../instance/memory.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import type { FleetPermission } from '../../lib/fleet/instance-fleet.ts';
import { buildFleet, deployed, newApp, ofType, type Resource, synthesizedTemplates } from './synthesis.ts';

const { data, fleet, observability, service } = synthesizedTemplates();

const GIBIBYTE = 2 ** 30;
type Sizes = { Memory: string; EphemeralStorage: { SizeInGiB: number } };
type Container = { Environment: { Name: string; Value: unknown }[]; [other: string]: unknown };
const definitions = ofType(fleet.resources, 'AWS::ECS::TaskDefinition').map(([, definition]) => definition);
const containerOf = ({ Properties }: Resource) => (Properties['ContainerDefinitions'] as [Container])[0];

test('no template has an ECS service, so no deploy can cycle an instance', () => {
  for (const { resources } of [data, fleet, observability, service])
    expect(ofType(resources, 'AWS::ECS::Service')).toEqual([]);
});

describe('each task definition', () => {
  test('belongs to a tier, runs on arm64 Fargate and is kept when a newer one comes, unless its deploy fails', () => {
    expect(definitions.map(({ Properties }) => Properties['Family']).sort()).toEqual([
      'graphfleet-dev-large',
      'graphfleet-dev-shared',
      'graphfleet-dev-standard',
      'graphfleet-dev-xlarge',
    ]);
    for (const definition of definitions) {
      expect(definition).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
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
        // A line that can not be written must not hold up a job.
        LogConfiguration: { LogDriver: 'awslogs', Options: { mode: 'non-blocking' } },
        HealthCheck: {
          Command: ['CMD', 'node', '-e', expect.stringContaining("fetch('http://127.0.0.1:8080/health')")],
          Interval: 30,
          Retries: 5,
        },
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

test('each tier keeps its cache to its own disk, and its open databases to its own memory', () => {
  const shares = definitions.map((definition) => {
    const own = Object.fromEntries(containerOf(definition).Environment.map(({ Name, Value }) => [Name, Value]));
    const { Memory, EphemeralStorage } = definition.Properties as Sizes;
    expect(Number(own['MEMORY_BYTES'])).toBe(Number(Memory) * 2 ** 20);
    const forLoads = EphemeralStorage.SizeInGiB - Number(own['CACHE_BYTES']) / GIBIBYTE;
    return [own['INSTANCE_TIER'], { forLoads, openDatabases: openDatabasesIn(Number(own['MEMORY_BYTES'])) }];
  });
  // The image and two loads: each has what it is of, what it makes and what it writes aside.
  expect(Object.fromEntries(shares)).toEqual({
    standard: { forLoads: 1 + 2 * (5 + 12.5), openDatabases: 8 },
    large: { forLoads: 1 + 2 * (20 + 12.5), openDatabases: 101 },
    xlarge: { forLoads: 1 + 2 * (40 + 12.5), openDatabases: 439 },
    shared: { forLoads: 1 + 2 * (20 + 12.5), openDatabases: 101 },
  });
});

test('a disk on which loads leave no room for a snapshot is no tier', () => {
  const { tiers } = CONFIGURATIONS.dev;
  const small = { ...tiers, large: { ...tiers.large, storageGigabytes: 70 } };
  expect(() => buildFleet(newApp(), { ...CONFIGURATIONS.dev, tiers: small })).toThrow(
    '70 GB of disk are too few for tier "large"',
  );
});

describe('what functions may do with instances', () => {
  const statementsFor = (permission: FleetPermission) => {
    const app = newApp();
    const stack = buildFleet(app, CONFIGURATIONS.dev);
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
