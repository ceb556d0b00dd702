import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, test } from 'vitest';
import type { Configuration } from '../../lib/configuration-schema.ts';
import { FleetNetwork } from '../../lib/fleet/fleet-network.ts';
import { calledServices } from './called-services.ts';
import { EVERYTHING } from './everything.ts';
import { buildFleet, deployed, newApp, ofType, type Resources, synthesizedTemplates } from './synthesis.ts';

type Rule = { IpProtocol: string; FromPort: number; ToPort: number; CidrIp?: string };
type Properties = Record<string, unknown>;

/** The name of a security group, by a reference to it or its logical id. */
const groupIn = (reference: unknown): string =>
  /FleetNetwork([A-Z][a-z]+)[0-9A-F]{8}\b/.exec(JSON.stringify(reference))?.[1] ?? JSON.stringify(reference);
const portsOf = ({ IpProtocol, FromPort, ToPort }: Rule | Properties): string =>
  `${IpProtocol} ${FromPort === ToPort ? FromPort : `${FromPort}-${ToPort}`}`;
/** What the CDK writes for a group that may call nobody. */
const NOBODY = '255.255.255.255/32';

/** All that the security groups let out, and in: "who → whom: what". */
const rulesIn = (resources: Resources): { out: string[]; in: string[] } => {
  const properties = (type: string) => ofType(resources, type).map(([, resource]) => resource.Properties);
  const inline = (direction: 'Egress' | 'Ingress') =>
    ofType(resources, 'AWS::EC2::SecurityGroup').flatMap(([id, resource]) =>
      ((resource.Properties[`SecurityGroup${direction}`] ?? []) as Rule[])
        .filter(({ CidrIp }) => CidrIp !== NOBODY)
        .map((rule) =>
          direction === 'Egress'
            ? `${groupIn(id)} → ${rule.CidrIp}: ${portsOf(rule)}`
            : `${rule.CidrIp} → ${groupIn(id)}: ${portsOf(rule)}`,
        ),
    );
  return {
    out: [
      ...inline('Egress'),
      ...properties('AWS::EC2::SecurityGroupEgress').map(
        (rule) => `${groupIn(rule['GroupId'])} → ${groupIn(rule['DestinationSecurityGroupId'])}: ${portsOf(rule)}`,
      ),
    ].sort(),
    in: [
      ...inline('Ingress'),
      ...properties('AWS::EC2::SecurityGroupIngress').map(
        (rule) => `${groupIn(rule['SourceSecurityGroupId'])} → ${groupIn(rule['GroupId'])}: ${portsOf(rule)}`,
      ),
    ].sort(),
  };
};

const ACCOUNT = { Ref: 'AWS::AccountId' };
const onlyFor = (key: string) => ({
  Effect: 'Allow',
  Principal: { AWS: '*' },
  Action: '*',
  Resource: '*',
  Condition: { StringEquals: { [key]: ACCOUNT } },
});
const LAYERS = {
  Effect: 'Allow',
  Principal: { AWS: '*' },
  Action: 's3:GetObject',
  Resource: {
    'Fn::Join': [
      '',
      ['arn:', { Ref: 'AWS::Partition' }, ':s3:::prod-', { Ref: 'AWS::Region' }, '-starport-layer-bucket/*'],
    ],
  },
};

const GATEWAYS = ['dynamodb', 's3'];
const ENDPOINTS_OF_HOSTS = ['ecs-agent', 'ecs-telemetry'];

/** What an endpoint lets through. */
const statementsAt = (service: string): unknown[] | undefined => {
  if (ENDPOINTS_OF_HOSTS.includes(service)) return undefined;
  if (service === 's3') return [onlyFor('aws:ResourceAccount'), LAYERS];
  return [onlyFor(GATEWAYS.includes(service) ? 'aws:ResourceAccount' : 'aws:PrincipalAccount')];
};

const withHosts = Template.fromStack(buildFleet(newApp(), EVERYTHING)).toJSON()['Resources'] as Resources;
const called = await calledServices();

describe.each([
  { stage: 'dev', resources: synthesizedTemplates().fleet.resources, hasHosts: false },
  { stage: 'a stage with hosts of its own', resources: withHosts, hasHosts: true },
])('the network of $stage', ({ resources, hasHosts }) => {
  const refs = (type: string) => ofType(resources, type).map(([id]) => ({ Ref: id }));
  const groups = ['Instances', 'Callers', ...(hasHosts ? ['Hosts'] : [])];

  test('lets functions call instances on one port, everybody in it call AWS, and nobody else anybody', () => {
    expect(rulesIn(resources)).toEqual({
      out: [...groups.map((group) => `${group} → 0.0.0.0/0: tcp 443`), 'Callers → Instances: tcp 8080'].sort(),
      in: [...groups.map((group) => `${group} → Endpoints: tcp 443`), 'Callers → Instances: tcp 8080'].sort(),
    });
  });

  test('has no way to the internet', () => {
    for (const type of [
      'AWS::EC2::InternetGateway',
      'AWS::EC2::NatGateway',
      'AWS::EC2::Route',
      'AWS::EC2::VPCPeeringConnection',
    ]) {
      expect(ofType(resources, type)).toEqual([]);
    }
  });

  test('has an endpoint for each service that is called from it, which takes what is of this account', () => {
    const endpoints = ofType(resources, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) => {
      const service = deployed(Properties['ServiceName'], {}).replace('com.amazonaws.AWS::Region.', '');
      const { Statement: statements } = (Properties['PolicyDocument'] ?? {}) as { Statement?: unknown[] };
      return { service, statements, ...Properties };
    });
    const wanted = [...called, ...(hasHosts ? ENDPOINTS_OF_HOSTS : [])].sort();
    expect(endpoints.map(({ service }) => service).sort()).toEqual(wanted);
    for (const { service, statements, ...properties } of endpoints) {
      expect({ service, statements }).toEqual({ service, statements: statementsAt(service) });
      expect(properties, service).toMatchObject(
        GATEWAYS.includes(service)
          ? { VpcEndpointType: 'Gateway', RouteTableIds: refs('AWS::EC2::RouteTable') }
          : {
              VpcEndpointType: 'Interface',
              // By the names that everybody uses.
              PrivateDnsEnabled: true,
              SubnetIds: refs('AWS::EC2::Subnet'),
              SecurityGroupIds: [{ 'Fn::GetAtt': [expect.stringMatching(/^FleetNetworkEndpoints/), 'GroupId'] }],
            },
      );
    }
    expect(ofType(resources, 'AWS::EC2::VPC')[0]?.[1].Properties).toMatchObject({
      EnableDnsHostnames: true,
      EnableDnsSupport: true,
    });
  });
});

test('is in the availability zones that are named, or in as many as there are said to be', () => {
  const zonesOf = (availabilityZones: Configuration['availabilityZones']) => {
    const stack = new Stack(newApp(), 'Fleet');
    const rest = { logRetention: RetentionDays.ONE_DAY, instancePort: 8080, hasHosts: false };
    const { vpc } = new FleetNetwork(stack, 'Network', { availabilityZones, ...rest });
    return vpc.isolatedSubnets.map(({ availabilityZone }) => stack.resolve(availabilityZone) as unknown);
  };
  expect(zonesOf(['us-east-1b', 'us-east-1d'])).toEqual(['us-east-1b', 'us-east-1d']);
  expect(zonesOf(2)).toEqual([0, 1].map((at) => ({ 'Fn::Select': [at, { 'Fn::GetAZs': '' }] })));
  expect(() => zonesOf(3)).toThrow('3 availability zones are wanted');
});
