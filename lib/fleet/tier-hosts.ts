import { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  type ISecurityGroup,
  LaunchTemplate,
  SubnetType,
  UserData,
} from 'aws-cdk-lib/aws-ec2';
import { AmiHardwareType, AsgCapacityProvider, type Cluster, EcsOptimizedImage } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { TaskSize } from '../configuration-schema.ts';
import { ServiceRole } from '../service-role.ts';

export type TierHostsProps = {
  readonly cluster: Cluster;
  readonly securityGroup: ISecurityGroup;
  readonly hosts: NonNullable<TaskSize['hosts']>;
  /** For what tasks keep; the images come besides. */
  readonly storageGigabytes: number;
};

const IMAGES_GIGABYTES = 30;

/**
 * EC2 hosts of a tier. ECS starts one when a task finds no room, and ends those only that have no task. A deploy changes the
 * template of new hosts, never one that runs.
 */
export class TierHosts extends Construct {
  readonly capacityProvider: AsgCapacityProvider;

  constructor(scope: Construct, id: string, { cluster, securityGroup, hosts, storageGigabytes }: TierHostsProps) {
    super(scope, id);
    const userData = UserData.forLinux();
    // A task has a role of its own, and does not take on its host's.
    userData.addCommands('echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config');
    const launchTemplate = new LaunchTemplate(this, 'Template', {
      instanceType: new InstanceType(hosts.instanceType),
      machineImage: EcsOptimizedImage.amazonLinux2023(AmiHardwareType.ARM),
      securityGroup,
      role: this.#role(cluster).withoutPolicyUpdates(),
      userData,
      requireImdsv2: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(storageGigabytes + IMAGES_GIGABYTES, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
          }),
        },
      ],
    });
    const autoScalingGroup = new AutoScalingGroup(this, 'Group', {
      vpc: cluster.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      launchTemplate,
      minCapacity: 0,
      maxCapacity: hosts.most,
    });
    this.capacityProvider = new AsgCapacityProvider(this, 'CapacityProvider', {
      autoScalingGroup,
      enableManagedScaling: true,
      enableManagedTerminationProtection: true,
      enableManagedDraining: true,
      targetCapacityPercent: 100,
    });
    cluster.addAsgCapacityProvider(this.capacityProvider);
    acknowledge(autoScalingGroup, {
      'AwsSolutions-AS3': 'ECS starts and ends hosts; whoever wants to know sees it in the events of the group.',
    });
  }

  /** What the agent on a host does, without the wildcard that the CDK would give it. Tasks have roles of their own. */
  #role(cluster: Cluster): ServiceRole {
    const role = new ServiceRole(this, 'Role', { service: 'ec2', description: 'A host of graph instances' });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['ecs:RegisterContainerInstance', 'ecs:DeregisterContainerInstance', ...SUBMITS],
        resources: [cluster.clusterArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ['ecs:Poll', 'ecs:StartTelemetrySession', 'ecs:UpdateContainerInstancesState'],
        resources: ['*'],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['ecs:DiscoverPollEndpoint'], resources: ['*'] }));
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]':
        'Hosts of one cluster, by a condition: they have no names before they are there. Where the agent asks is of no resource.',
    });
    return role;
  }
}

const SUBMITS = ['ecs:SubmitAttachmentStateChanges', 'ecs:SubmitContainerStateChange', 'ecs:SubmitTaskStateChange'];
