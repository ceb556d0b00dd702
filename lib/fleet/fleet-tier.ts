import { Duration, RemovalPolicy, Tags } from 'aws-cdk-lib';
import {
  AwsLogDriverMode,
  Compatibility,
  ContainerImage,
  CpuArchitecture,
  LogDrivers,
  NetworkMode,
  OperatingSystemFamily,
  TaskDefinition,
} from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { InstanceEnvironment } from '../../contract/environment.ts';
import { CAPACITY_PROVIDER_TAG } from '../../domain/fleet/tier.ts';
import { acknowledge } from '../acknowledge.ts';
import type { Configuration, TaskSize, Tier } from '../configuration-schema.ts';
import type { InstanceImage } from './instance-image.ts';
import type { TierHosts } from './tier-hosts.ts';

/** What a template sets; ECS itself tells a task where its agent is, and what is launched from it says its generation. */
export type TaskEnvironment = { readonly [Name in Exclude<keyof InstanceEnvironment, SetByEcs>]: string };
type SetByEcs = 'ECS_CONTAINER_METADATA_URI_V4' | 'ECS_AGENT_URI' | 'INSTANCE_GENERATION';

export type FleetTierProps = {
  readonly tier: Tier;
  readonly size: TaskSize;
  /** Name of the task definition's revisions, by which services are created. */
  readonly family: string;
  readonly image: InstanceImage;
  readonly environment: TaskEnvironment;
  /** What an instance acts as. */
  readonly taskRole: IRole;
  /** What ECS acts as to start it: pulls its image, writes its log. */
  readonly executionRole: IRole;
  readonly logRetention: RetentionDays;
  readonly logLevel: Configuration['logLevel'];
  /** Its hosts; null: Fargate. */
  readonly hosts: TierHosts | null;
};

const ARM64 = { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX };

/** The most that Fargate waits between SIGTERM and SIGKILL: time to finish and to checkpoint. */
const STOP_TIMEOUT = Duration.seconds(120);

/**
 * What the instances of a tier are made from. A deploy only adds a revision; instances keep theirs until the refresh
 * workflow cycles them, and revisions are kept, so that it can go back.
 */
export class FleetTier extends Construct {
  readonly taskDefinition: TaskDefinition;

  constructor(scope: Construct, id: string, props: FleetTierProps) {
    super(scope, id);
    const { tier, size, family, image, environment, taskRole, executionRole, logRetention, logLevel, hosts } = props;
    this.taskDefinition = new TaskDefinition(this, 'TaskDefinition', {
      family,
      networkMode: NetworkMode.AWS_VPC,
      cpu: String(size.processorUnits),
      memoryMiB: String(size.memoryMegabytes),
      ...(hosts === null
        ? {
            compatibility: Compatibility.FARGATE,
            ephemeralStorageGiB: size.storageGigabytes,
            runtimePlatform: ARM64,
          }
        : { compatibility: Compatibility.EC2 }), // its hosts are arm64
      taskRole,
      executionRole,
      volumes: [{ name: 'work' }],
    });
    if (hosts !== null) {
      Tags.of(this.taskDefinition).add(CAPACITY_PROVIDER_TAG, hosts.capacityProvider.capacityProviderName);
    }
    // Not those of a deploy that is rolled back: the newest of a family is what instances are made from.
    this.taskDefinition.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    const container = this.taskDefinition.addContainer('Instance', {
      image: ContainerImage.fromEcrRepository(image.repository, image.digest),
      environment: { ...environment, POWERTOOLS_LOG_LEVEL: logLevel },
      portMappings: [{ containerPort: Number(environment.LISTEN_PORT) }],
      readonlyRootFilesystem: true,
      stopTimeout: STOP_TIMEOUT,
      logging: LogDrivers.awsLogs({
        logGroup: new LogGroup(this, 'Log', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY }),
        streamPrefix: tier,
        // A line that can not be written now must not stop a job.
        mode: AwsLogDriverMode.NON_BLOCKING,
      }),
      healthCheck: {
        command: ['CMD', 'node', '-e', healthCheck(environment.LISTEN_PORT)],
        // An instance that works hard must not be taken for a dead one: two and a half minutes of silence.
        interval: Duration.seconds(30),
        timeout: Duration.seconds(10),
        retries: 5,
        startPeriod: Duration.seconds(60),
      },
    });
    container.addMountPoints({ sourceVolume: 'work', containerPath: environment.WORK_DIRECTORY, readOnly: false });
    acknowledge(this.taskDefinition, {
      'AwsSolutions-ECS2': 'The variables are names and addresses that differ by stage; none is a secret.',
    });
  }
}

/** The image has Node and nothing else that could ask. */
const healthCheck = (port: string): string =>
  `fetch('http://127.0.0.1:${port}/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
