import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type * as z from 'zod';
import type { FleetEnvironment } from '../../contract/environment.ts';
import { LARGEST_OBJECT_BYTES } from '../../domain/snapshot/object-store.ts';
import { loadingBytes } from '../../domain/table/table-limits.ts';
import { acknowledge, exportedName } from '../acknowledge.ts';
import type { Configuration, TaskSize, Tier } from '../configuration-schema.ts';
import type { ControlTable } from '../data/control-table.ts';
import type { SnapshotBucket } from '../data/snapshot-bucket.ts';
import { WrongSettings } from '../wrong-settings.ts';
import { FleetNetwork } from './fleet-network.ts';
import { FleetTier } from './fleet-tier.ts';
import { instanceImageFrom } from './instance-image.ts';
import { InstanceRoles } from './instance-roles.ts';
import { TierHosts } from './tier-hosts.ts';

export type InstanceFleetProps = {
  readonly configuration: Configuration;
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
  /** The image of tiers that have none yet, by its digest in ECR. */
  readonly imageReference: string;
};

type Definition = {
  readonly services: readonly string[];
  readonly tasks: readonly string[];
  readonly definitions: readonly string[];
  /** It registers task definitions, which name the roles of instances. */
  readonly registers?: true;
};

const READS_DEFINITIONS = ['ecs:DescribeTaskDefinition'];
const RETIRES_DEFINITIONS = [...READS_DEFINITIONS, 'ecs:DeregisterTaskDefinition'];

/** What may be done with the services of instances: each is for methods of `EcsInstanceServices`. */
export const FLEET_PERMISSIONS = {
  /** `create`, `templateImage` */
  launchesInstances: {
    services: ['ecs:CreateService', 'ecs:DescribeServices'],
    tasks: [],
    definitions: RETIRES_DEFINITIONS,
    registers: true,
  },
  /** `replace`, `rollBack`, `templateImage` */
  replacesInstances: {
    services: ['ecs:UpdateService', 'ecs:DescribeServices'],
    tasks: ['ecs:DescribeTasks', 'ecs:UpdateTaskProtection'],
    definitions: RETIRES_DEFINITIONS,
    registers: true,
  },
  /** `describe`, `existing`, `templateImage` */
  describesInstances: {
    services: ['ecs:DescribeServices'],
    tasks: ['ecs:DescribeTasks'],
    definitions: READS_DEFINITIONS,
  },
  /** `remove`, `existing` */
  retiresInstances: {
    services: ['ecs:DeleteService', 'ecs:DescribeServices'],
    tasks: [],
    definitions: RETIRES_DEFINITIONS,
  },
} as const satisfies Record<string, Definition>;

export type FleetPermission = keyof typeof FLEET_PERMISSIONS;

const INSTANCE_PORT = 8080;
/** Owned by the image's user; see instance/Dockerfile. */
const WORK_DIRECTORY = '/var/lib/graphfleet';

/** Fargate keeps the image, packed and unpacked, on the disk of the task. */
const IMAGE_BYTES = 2 ** 30;

/** What is left for the cache of snapshots, when loads have what they need: in GiB, of the 50 of `standard`, 14. */
const cacheBytesOf = (tier: Tier, { storageGigabytes }: TaskSize): number => {
  const bytes = storageGigabytes * 2 ** 30 - IMAGE_BYTES - loadingBytes(tier);
  if (bytes >= LARGEST_OBJECT_BYTES) return bytes;
  throw new WrongSettings(
    `${storageGigabytes} GB of disk are too few for tier "${tier}": loads need theirs, and a snapshot. Set storageGigabytes in lib/configuration.ts.`,
  );
};

/** Where instances run. Not which or how many: those are data, and the control plane creates their services. */
export class InstanceFleet extends Construct {
  readonly network: FleetNetwork;
  readonly #cluster: Cluster;
  readonly #roles: InstanceRoles;
  readonly #familyPrefix: string;

  constructor(scope: Construct, id: string, props: InstanceFleetProps) {
    super(scope, id);
    const { configuration, controlTable, snapshots, imageReference } = props;
    const { stage, availabilityZones, logRetention, logLevel, tiers } = configuration;
    const hasHosts = Object.values(tiers).some(({ hosts }) => hosts !== undefined);
    const network = { availabilityZones, logRetention, instancePort: INSTANCE_PORT, hasHosts };
    this.network = new FleetNetwork(this, 'Network', network);
    this.#cluster = new Cluster(this, 'Cluster', {
      vpc: this.network.vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
      enableFargateCapacityProviders: true,
    });
    this.#roles = new InstanceRoles(this, 'Roles', { controlTable, snapshots, cluster: this.#cluster });
    this.#familyPrefix = `graphfleet-${stage}`;

    const image = instanceImageFrom(this, imageReference);
    for (const tier of Object.keys(tiers) as Tier[]) {
      new FleetTier(this, tier, {
        tier,
        size: tiers[tier],
        family: `${this.#familyPrefix}-${tier}`,
        image,
        environment: {
          CONTROL_TABLE_NAME: controlTable.table.tableName,
          OBJECT_STORE_URL: snapshots.url,
          INSTANCE_TIER: tier,
          LISTEN_HOST: '0.0.0.0',
          LISTEN_PORT: String(INSTANCE_PORT),
          WORK_DIRECTORY,
          CACHE_BYTES: String(cacheBytesOf(tier, tiers[tier])),
          MEMORY_BYTES: String(tiers[tier].memoryMegabytes * 2 ** 20),
        },
        taskRole: this.#roles.task,
        executionRole: this.#roles.execution,
        logRetention,
        logLevel,
        hosts: this.#hostsOf(tier, tiers[tier]),
      });
    }
  }

  #hostsOf(tier: Tier, { hosts, storageGigabytes }: TaskSize): TierHosts | null {
    if (hosts === undefined || this.network.hosts === null) return null;
    const securityGroup = this.network.hosts;
    return new TierHosts(this, `${tier}Hosts`, { cluster: this.#cluster, securityGroup, hosts, storageGigabytes });
  }

  /** What a function that launches instances needs to know. */
  get environment(): Omit<z.input<typeof FleetEnvironment>, 'CONTROL_TABLE_NAME'> {
    const { vpc, instances } = this.network;
    return {
      ECS_CLUSTER: this.#cluster.clusterName,
      TASK_DEFINITION_PREFIX: this.#familyPrefix,
      SUBNET_IDS: vpc.isolatedSubnets.map(({ subnetId }) => subnetId).join(','),
      SECURITY_GROUP_IDS: instances.securityGroupId,
    };
  }

  /** Allows what a permission is for, with the instances of this cluster only. */
  grant(role: Role, permission: FleetPermission): void {
    const { services, tasks, definitions, registers }: Definition = FLEET_PERMISSIONS[permission];
    const cluster = this.#cluster.clusterName;
    this.#allow(role, services, 'service', `${cluster}/inst-*`);
    this.#allow(role, tasks, 'task', `${cluster}/*`);
    if (tasks.length > 0) this.#grantListTasks(role);
    if (definitions.length > 0) this.#grantDefinitions(role, definitions);
    if (registers) {
      this.#grantRegistration(role);
      this.#grantPassRoles(role);
    }
  }

  #allow(role: Role, actions: readonly string[], resource: string, resourceName: string): void {
    if (actions.length === 0) return;
    const arn = Stack.of(this).formatArn({
      service: 'ecs',
      resource,
      resourceName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [arn] }));
    const cluster = exportedName(this.#cluster, this.#cluster.clusterName);
    const name = resourceName.replace(this.#cluster.clusterName, cluster);
    acknowledge(role, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:${resource}/${name}]`]:
        'Instances of one cluster, which are data: their names are made while the control plane runs.',
    });
  }

  #grantListTasks(role: Role): void {
    role.addToPolicy(
      new PolicyStatement({
        actions: ['ecs:ListTasks'],
        resources: ['*'],
        conditions: { ArnEquals: { 'ecs:cluster': this.#cluster.clusterArn } },
      }),
    );
    acknowledge(role, { 'AwsSolutions-IAM5[Resource::*]': WITHOUT_RESOURCE });
  }

  #grantDefinitions(role: Role, actions: readonly string[]): void {
    role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: ['*'] }));
    acknowledge(role, { 'AwsSolutions-IAM5[Resource::*]': WITHOUT_RESOURCE });
  }

  #grantRegistration(role: Role): void {
    const family = `${this.#familyPrefix}-inst-*`;
    const resources = [
      Stack.of(this).formatArn({ service: 'ecs', resource: 'task-definition', resourceName: `${family}:*` }),
    ];
    role.addToPolicy(new PolicyStatement({ actions: ['ecs:RegisterTaskDefinition'], resources }));
    role.addToPolicy(
      new PolicyStatement({
        actions: ['ecs:TagResource'],
        resources,
        conditions: { StringEquals: { 'ecs:CreateAction': 'RegisterTaskDefinition' } },
      }),
    );
    acknowledge(role, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task-definition/${family}:*]`]:
        'The task definitions of instances, which are data; tagged as they are registered, and at no other time.',
    });
  }

  #grantPassRoles(role: Role): void {
    role.addToPolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.#roles.task.roleArn, this.#roles.execution.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    );
  }
}

const WITHOUT_RESOURCE =
  'IAM knows no resource for ecs:ListTasks by service, nor for reading task definitions and taking them out of use.';
