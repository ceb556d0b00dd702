import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type * as z from 'zod';
import type { FleetEnvironment } from '../../contract/environment.ts';
import { acknowledge, exportedName } from '../acknowledge.ts';
import type { Configuration, Tier } from '../configuration.ts';
import type { ControlTable } from '../data/control-table.ts';
import type { SnapshotBucket } from '../data/snapshot-bucket.ts';
import { FleetNetwork } from './fleet-network.ts';
import { FleetTier } from './fleet-tier.ts';
import { instanceImageFrom } from './instance-image.ts';
import { InstanceRoles } from './instance-roles.ts';

export type InstanceFleetProps = {
  readonly configuration: Configuration;
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
  /** The image of new instances, by its digest in ECR. */
  readonly imageReference: string;
};

const INSTANCE_PORT = 8080;
/** Owned by the image's user; see instance/Dockerfile. */
const WORK_DIRECTORY = '/var/lib/graphfleet';

/** Where instances run. Not which or how many: those are data, and the control plane creates their services. */
export class InstanceFleet extends Construct {
  readonly network: FleetNetwork;
  readonly #cluster: Cluster;
  readonly #roles: InstanceRoles;
  readonly #familyPrefix: string;

  constructor(scope: Construct, id: string, props: InstanceFleetProps) {
    super(scope, id);
    const { configuration, controlTable, snapshots, imageReference } = props;
    const { stage, availabilityZones, logRetention, tiers } = configuration;
    this.network = new FleetNetwork(this, 'Network', { availabilityZones, logRetention, instancePort: INSTANCE_PORT });
    this.#cluster = new Cluster(this, 'Cluster', {
      vpc: this.network.vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
    });
    this.#roles = new InstanceRoles(this, 'Roles', { controlTable, snapshots });
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
        },
        taskRole: this.#roles.task,
        executionRole: this.#roles.execution,
        logRetention,
      });
    }
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

  /** Allows to see and to create the services of instances in this cluster, with the roles of instances only. */
  grantLaunch(role: Role): void {
    this.#grantServices(role, ['ecs:CreateService', 'ecs:DescribeServices']);
    role.addToPolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.#roles.task.roleArn, this.#roles.execution.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    );
  }

  /** Allows to see and to remove the services of instances in this cluster. */
  grantRemoval(role: Role): void {
    this.#grantServices(role, ['ecs:DeleteService', 'ecs:DescribeServices']);
  }

  #grantServices(role: Role, actions: string[]): void {
    const services = Stack.of(this).formatArn({
      service: 'ecs',
      resource: 'service',
      resourceName: `${this.#cluster.clusterName}/inst-*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    role.addToPolicy(new PolicyStatement({ actions, resources: [services] }));
    const cluster = exportedName(this.#cluster, this.#cluster.clusterName);
    acknowledge(role, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:service/${cluster}/inst-*]`]:
        'Instances of one cluster, which are data: their names are made while the control plane runs.',
    });
  }
}
