import { isDeepStrictEqual } from 'node:util';
import { Aspects } from 'aws-cdk-lib';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { describe, expect, inject, test } from 'vitest';
import { buildApplication } from '../../lib/application.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { EVERYTHING } from './everything.ts';
import { newApp, ofType, type Resource, synthesizedEverything, templateIn } from './synthesis.ts';

const STACKS = ['Data', 'Fleet', 'Observability', 'Steps', 'Workflows', 'ApiFunctions', 'Api'];
const NEXT_IMAGE = PLACEHOLDER_IMAGE.replace('0'.repeat(64), 'b'.repeat(64));

/** The next version of dev: other code of functions, other machines, another image and other sizes of every tier. */
const nextVersion = (): string => {
  const app = newApp();
  const tiers = Object.fromEntries(
    Object.entries(CONFIGURATIONS.dev.tiers).map(([tier, size]) => [
      tier,
      { ...size, processorUnits: 16_384, memoryMegabytes: 122_880, storageGigabytes: 200 },
    ]),
  ) as typeof CONFIGURATIONS.dev.tiers;
  buildApplication(app, { ...CONFIGURATIONS.dev, tiers }, NEXT_IMAGE);
  Aspects.of(app).add({
    visit: (node) => {
      if (node instanceof CfnFunction) node.code = { s3Bucket: 'assets', s3Key: 'next.zip' };
      if (node instanceof CfnStateMachine) node.definitionString = `${node.definitionString} `;
    },
  });
  app.synth();
  return app.outdir;
};
const next = nextVersion();
const before = Object.fromEntries(STACKS.map((stack) => [stack, templateIn(inject('templates'), stack)]));
const after = Object.fromEntries(STACKS.map((stack) => [stack, templateIn(next, stack)]));

/** What becomes of the resources of a stack: each kind of change, by type and the property that changes. */
const changesOf = (stack: string): string[] => {
  const [from = {}, to = {}] = [before[stack]?.Resources, after[stack]?.Resources];
  const changes = [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((id) => {
    const [old, made] = [from[id], to[id]];
    if (old === undefined) return [`+ ${made?.Type}`];
    if (made === undefined) return [`- ${old.Type}`];
    return changedParts(old, made).map((part) => `${old.Type} ${part}`);
  });
  return [...new Set(changes)].sort();
};
const changedParts = ({ Properties: old, ...oldRest }: Resource, { Properties: made, ...madeRest }: Resource) => [
  ...[...new Set([...Object.keys(old), ...Object.keys(made)])].filter(
    (property) => !isDeepStrictEqual(old[property], made[property]),
  ),
  ...(isDeepStrictEqual(withoutMetadata(oldRest), withoutMetadata(madeRest)) ? [] : ['(policies)']),
];
const withoutMetadata = (resource: object) => ({ ...resource, Metadata: undefined });

describe('the deploy of another version', () => {
  test('adds revisions to the task definitions of tiers, which stay, and touches nothing else in the fleet', () => {
    expect(changesOf('Fleet')).toEqual(
      ['ContainerDefinitions', 'Cpu', 'EphemeralStorage', 'Memory'].map((part) => `AWS::ECS::TaskDefinition ${part}`),
    );
    for (const [, definition] of ofType(after['Fleet']?.Resources ?? {}, 'AWS::ECS::TaskDefinition')) {
      expect(definition).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    }
  });

  test.each(['Data', 'Observability', 'Api'])('changes nothing in %s', (stack) => {
    expect(changesOf(stack)).toEqual([]);
  });

  test.each(['Steps', 'ApiFunctions'])('publishes the functions in %s, and moves their aliases', (stack) => {
    expect(changesOf(stack)).toEqual([
      '+ AWS::Lambda::Version',
      '- AWS::Lambda::Version',
      'AWS::Lambda::Alias FunctionVersion',
      'AWS::Lambda::Function Code',
    ]);
  });

  test('publishes the workflows; what runs keeps its version, which stays', () => {
    expect(changesOf('Workflows').filter((change) => !change.includes('Lambda'))).toEqual([
      'AWS::StepFunctions::StateMachine DefinitionString',
    ]);
    const versions = ofType(after['Workflows']?.Resources ?? {}, 'AWS::StepFunctions::StateMachineVersion');
    expect(versions.length).toBeGreaterThan(10);
    for (const [, version] of versions) {
      // The machine's revision is what makes a version of it: another revision is another version.
      expect(version).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: { StateMachineRevisionId: { 'Fn::GetAtt': [expect.anything(), 'StateMachineRevisionId'] } },
      });
    }
  });

  test('exports what the other stacks import under the same names as before', () => {
    const namesIn = (templates: typeof before) => STACKS.map((stack) => templates[stack]?.Outputs ?? {});
    expect(namesIn(after)).toEqual(namesIn(before));
  });
});

describe('a stage with all that a stage may have', () => {
  const all = synthesizedEverything();
  const templates = STACKS.map((stack) => [stack, all[stack]?.Resources ?? {}] as const);
  const of = Object.fromEntries(templates);
  const every = (type: string) => templates.flatMap(([, resources]) => ofType(resources, type));

  test('has no service of ECS, and no group of hosts that a deploy would cycle', () => {
    expect(every('AWS::ECS::Service')).toEqual([]);
    const groups = every('AWS::AutoScaling::AutoScalingGroup');
    expect(groups).toHaveLength(1);
    for (const [, group] of groups) {
      const { UpdatePolicy = {} } = group as Resource & { UpdatePolicy?: object };
      // By default CDK says here what becomes of scheduled actions, of which there are none.
      expect(['', 'AutoScalingScheduledAction']).toContain(Object.keys(UpdatePolicy).join());
      expect(group.Properties).toMatchObject({ MinSize: '0', MaxSize: '20', NewInstancesProtectedFromScaleIn: true });
      expect(group.Properties).not.toHaveProperty('MaxInstanceLifetime');
    }
  });

  test('has hosts that ECS ends only when they have no task, and a template that places tasks on them', () => {
    const [[provider, { Properties }] = ['', { Properties: {} }]] = every('AWS::ECS::CapacityProvider');
    expect(Properties).toMatchObject({
      AutoScalingGroupProvider: {
        ManagedScaling: { Status: 'ENABLED', TargetCapacity: 100 },
        ManagedTerminationProtection: 'ENABLED',
        ManagedDraining: 'ENABLED',
      },
    });
    const tagged = every('AWS::ECS::TaskDefinition').map(([, definition]) => [
      definition.Properties['Family'],
      definition.Properties['RequiresCompatibilities'],
      (definition.Properties['Tags'] as { Key: string; Value: unknown }[]).find(({ Key }) => Key.includes('capacity'))
        ?.Value,
    ]);
    expect(tagged).toContainEqual(['graphfleet-prod-xlarge', ['EC2'], { Ref: provider }]);
    expect(tagged).toContainEqual(['graphfleet-prod-large', ['FARGATE'], undefined]);
  });

  test('has hosts whose role tasks can not take on', () => {
    const templatesOfHosts = every('AWS::EC2::LaunchTemplate').map(([, { Properties }]) => JSON.stringify(Properties));
    expect(templatesOfHosts).toEqual([expect.stringContaining('ECS_AWSVPC_BLOCK_IMDS=true')]);
  });

  test.each(templates)('leaves room in %s for what comes: a stack takes 500 resources', (_stack, resources) => {
    expect(Object.keys(resources).length).toBeLessThanOrEqual(450);
  });

  test('gives new versions of every function a share of the calls first, and takes them back when an alarm goes off', () => {
    const aliases = every('AWS::Lambda::Alias');
    expect(aliases).toHaveLength(every('AWS::Lambda::Function').length);
    for (const [stack, resources] of templates) {
      for (const [id, alias] of ofType(resources, 'AWS::Lambda::Alias')) {
        const { CodeDeployLambdaAliasUpdate } = (alias as Resource & { UpdatePolicy: Record<string, never> })
          .UpdatePolicy;
        const { DeploymentGroupName } = CodeDeployLambdaAliasUpdate as unknown as {
          DeploymentGroupName: { Ref: string };
        };
        const group = of[stack]?.[DeploymentGroupName.Ref]?.Properties ?? {};
        expect(group, id).toMatchObject({
          AlarmConfiguration: { Enabled: true },
          AutoRollbackConfiguration: {
            Enabled: true,
            Events: expect.arrayContaining(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM']),
          },
        });
        const { Alarms } = group['AlarmConfiguration'] as { Alarms: { Name: string }[] };
        expect(Alarms.map(({ Name }) => Name).sort()).toEqual(ROLLBACK_ALARMS);
      }
    }
    for (const [, { Properties }] of every('AWS::CodeDeploy::DeploymentConfig')) {
      expect(Properties['TrafficRoutingConfig']).toEqual({
        Type: 'TimeBasedCanary',
        TimeBasedCanary: { CanaryInterval: 10, CanaryPercentage: 10 },
      });
    }
  });

  test('gives new versions of every workflow a share of the executions first, and takes them back likewise', () => {
    const aliases = every('AWS::StepFunctions::StateMachineAlias');
    expect(aliases).toHaveLength(every('AWS::StepFunctions::StateMachine').length);
    for (const [, { Properties }] of aliases) {
      expect(Properties).toMatchObject({
        Name: 'live',
        DeploymentPreference: { Type: 'CANARY', Percentage: 10, Interval: 10 },
      });
      const { Alarms, StateMachineVersionArn } = Properties['DeploymentPreference'] as Preference;
      expect([...Alarms].sort()).toEqual(ROLLBACK_ALARMS);
      expect(of['Workflows']?.[StateMachineVersionArn.Ref]?.Type).toBe('AWS::StepFunctions::StateMachineVersion');
    }
  });

  test('names alarms that there are, which say who is hurt and link to what is to be done', () => {
    const alarms = ofType(of['Observability'] ?? {}, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
    for (const name of ROLLBACK_ALARMS) {
      expect(alarms).toContainEqual(
        expect.objectContaining({
          AlarmName: name,
          AlarmDescription: expect.stringContaining(`Runbook: ${EVERYTHING.runbooks}`),
        }),
      );
    }
  });

  test('is reached by its own name only, with its limits for tenants and how long it keeps what nobody pays for', () => {
    expect(every('AWS::ApiGateway::DomainName')[0]?.[1].Properties).toMatchObject({
      DomainName: 'graphs.example.com',
      EndpointConfiguration: { Types: ['REGIONAL'] },
      SecurityPolicy: 'TLS_1_2',
    });
    expect(every('AWS::ApiGateway::BasePathMapping')[0]?.[1].Properties).toMatchObject({ BasePath: 'v1' });
    expect(every('AWS::ApiGateway::RestApi')[0]?.[1].Properties).toMatchObject({ DisableExecuteApiEndpoint: true });
    expect(all['Api']?.Outputs).toMatchObject({
      ApiUrl: { Value: 'https://graphs.example.com' },
      ApiDomainTarget: {
        Value: { 'Fn::GetAtt': [every('AWS::ApiGateway::DomainName')[0]?.[0], 'RegionalDomainName'] },
        Description: 'In DNS, make graphs.example.com a CNAME of it',
      },
    });
    const functionNamed = (name: string) =>
      every('AWS::Lambda::Function').find(
        ([, { Properties }]) => Properties['FunctionName'] === `graphfleet-prod-${name}`,
      )?.[1];
    expect(functionNamed('create-graph')?.Properties).toMatchObject({
      Environment: { Variables: { COMMANDS_PER_SECOND: '7' } },
    });
    expect(functionNamed('settle-subscriptions')?.Properties).toMatchObject({
      Environment: { Variables: { RETENTION_DAYS: '45' } },
    });
  });
});

const ROLLBACK_ALARMS = ['api-failing', 'faults', 'functions-crashing', 'operations-failing-suddenly'].map(
  (name) => `graphfleet-prod-${name}`,
);
type Preference = { Alarms: string[]; StateMachineVersionArn: { Ref: string } };
