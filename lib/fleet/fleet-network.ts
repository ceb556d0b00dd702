import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Configuration } from '../configuration-schema.ts';
import { WrongSettings } from '../wrong-settings.ts';

export type FleetNetworkProps = {
  readonly availabilityZones: Configuration['availabilityZones'];
  /** How long the log of its traffic is kept. */
  readonly logRetention: RetentionDays;
  /** The port on which instances listen. */
  readonly instancePort: number;
  /** Some instances are on EC2 hosts of ours, whose agents call ECS. */
  readonly hasHosts: boolean;
};

/** What instances and the functions that speak to them call, by the endpoint through which they reach it. */
const SERVICES = {
  StepFunctions: InterfaceVpcEndpointAwsService.STEP_FUNCTIONS,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  // Whether the service of an instance that does not answer still exists.
  InstanceServices: InterfaceVpcEndpointAwsService.ECS,
  ImageRegistry: InterfaceVpcEndpointAwsService.ECR,
  ImageLayers: InterfaceVpcEndpointAwsService.ECR_DOCKER,
};

/** What the agent of ECS on a host calls besides. That these endpoints take a policy is not documented, so they have none. */
const SERVICES_OF_HOSTS = {
  HostAgents: InterfaceVpcEndpointAwsService.ECS_AGENT,
  HostTelemetry: InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
};

/**
 * A network without a route to the internet: AWS is reached through endpoints, which take what is of this account, and
 * instances by the control plane only.
 */
export class FleetNetwork extends Construct {
  readonly vpc: IVpc;
  /** Of the instances: reached by {@link callers} alone. */
  readonly instances: SecurityGroup;
  /** Of the functions that speak to instances. */
  readonly callers: SecurityGroup;
  /** Of EC2 hosts: reached by nobody. Null: there are none. */
  readonly hosts: SecurityGroup | null;

  constructor(scope: Construct, id: string, props: FleetNetworkProps) {
    super(scope, id);
    const { availabilityZones, logRetention, instancePort, hasHosts } = props;
    const traffic = new LogGroup(this, 'Traffic', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.40.0.0/16'),
      ...(typeof availabilityZones === 'number'
        ? { maxAzs: availabilityZones }
        : { availabilityZones: [...availabilityZones] }),
      natGateways: 0,
      subnetConfiguration: [{ name: 'Instances', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
      // Nothing is in the default group, and emptying it would take a function that may change any group.
      restrictDefaultSecurityGroup: false,
      flowLogs: { Traffic: { destination: FlowLogDestination.toCloudWatchLogs(traffic) } },
    });
    if (typeof availabilityZones === 'number' && vpc.availabilityZones.length < availabilityZones) {
      throw new WrongSettings(
        `${availabilityZones} availability zones are wanted, and a stack that is of no region has ${vpc.availabilityZones.length}: set availabilityZones in lib/configuration.ts.`,
      );
    }
    const table = vpc.addGatewayEndpoint('Table', { service: GatewayVpcEndpointAwsService.DYNAMODB });
    const snapshots = vpc.addGatewayEndpoint('Snapshots', { service: GatewayVpcEndpointAwsService.S3 });
    for (const endpoint of [table, snapshots]) endpoint.addToPolicy(forAnybody('*', '*', 'aws:ResourceAccount'));
    snapshots.addToPolicy(forAnybody('s3:GetObject', LAYERS_OF_IMAGES));
    this.vpc = vpc as IVpc; // the class and its interface differ under exactOptionalPropertyTypes only

    this.instances = this.#group('Instances', 'Graph instances: reached by the control plane only');
    this.callers = this.#group('Callers', 'Functions that speak to graph instances');
    this.hosts = hasHosts ? this.#group('Hosts', 'Hosts of graph instances: reached by nobody') : null;
    const endpoints = this.#group('Endpoints', 'AWS services as seen from the network');

    this.instances.addIngressRule(this.callers, Port.tcp(instancePort), 'Jobs and queries');
    this.callers.addEgressRule(this.instances, Port.tcp(instancePort), 'Jobs and queries');
    for (const group of [this.instances, this.callers, ...(this.hosts === null ? [] : [this.hosts])]) {
      endpoints.addIngressRule(group, Port.tcp(443), 'AWS services');
      // Any address, because those of DynamoDB and S3 change; only they and the endpoints can be reached from here.
      group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
    }
    const options = { securityGroups: [endpoints], open: false };
    for (const [name, service] of Object.entries(SERVICES)) {
      const endpoint = this.vpc.addInterfaceEndpoint(name, { service, ...options });
      endpoint.addToPolicy(forAnybody('*', '*', 'aws:PrincipalAccount'));
    }
    for (const [name, service] of Object.entries(hasHosts ? SERVICES_OF_HOSTS : {})) {
      this.vpc.addInterfaceEndpoint(name, { service, ...options });
    }
  }

  #group(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: this.vpc, description, allowAllOutbound: false });
  }
}

/** Where ECR keeps the layers of every image: it is a bucket of its own, read by URLs that it signs. */
const LAYERS_OF_IMAGES = `arn:${Aws.PARTITION}:s3:::prod-${Aws.REGION}-starport-layer-bucket/*`;

/** What an endpoint lets through; with a key, only where that names this account. Roles are not allowed more by it. */
const forAnybody = (
  action: string,
  resource: string,
  accountKey?: 'aws:PrincipalAccount' | 'aws:ResourceAccount',
): PolicyStatement =>
  new PolicyStatement({
    principals: [new AnyPrincipal()],
    actions: [action],
    resources: [resource],
    ...(accountKey !== undefined && { conditions: { StringEquals: { [accountKey]: Aws.ACCOUNT_ID } } }),
  });
