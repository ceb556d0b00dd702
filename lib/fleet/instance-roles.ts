import { ArnFormat, type CfnElement, Stack } from 'aws-cdk-lib';
import type { Cluster } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { ControlTable } from '../data/control-table.ts';
import type { SnapshotBucket } from '../data/snapshot-bucket.ts';

export type InstanceRolesProps = {
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
  /** Where they run. */
  readonly cluster: Cluster;
};

/** What instances act as, and what ECS acts as to start them. */
export class InstanceRoles extends Construct {
  readonly task: Role;
  readonly execution: Role;

  constructor(scope: Construct, id: string, { controlTable, snapshots, cluster }: InstanceRolesProps) {
    super(scope, id);
    const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com');
    this.task = new Role(this, 'Task', { assumedBy, description: 'A graph instance' });
    this.execution = new Role(this, 'Execution', { assumedBy, description: 'Starts graph instances' });

    // Registers and heartbeats, learns its capacity, reports progress, publishes.
    controlTable.grant(this.task, 'readsInstances');
    controlTable.grant(this.task, 'changesInstances');
    controlTable.grant(this.task, 'readsTiers');
    controlTable.grant(this.task, 'readsLog');
    controlTable.grant(this.task, 'appendsToLog');
    controlTable.grant(this.task, 'readsGraphs');
    // Of a repository tables can be derived, while the tenant has access.
    controlTable.grant(this.task, 'readsAccesses');
    controlTable.grant(this.task, 'readsTables');
    controlTable.grant(this.task, 'readsFiles');
    controlTable.grant(this.task, 'changesGraphs');
    controlTable.grant(this.task, 'readsBackups');
    controlTable.grant(this.task, 'keepsBackups');
    controlTable.grant(this.task, 'forgetsBackups');
    snapshots.grant(this.task, 'readsSnapshots');
    snapshots.grant(this.task, 'readsUploads');
    snapshots.grant(this.task, 'writesSnapshots');
    snapshots.grant(this.task, 'removesSnapshots');
    snapshots.grant(this.task, 'readsBackups');
    snapshots.grant(this.task, 'writesBackups');
    snapshots.grant(this.task, 'removesBackups');
    grantTaskReports(this.task);
    grantTaskProtection(this.task, cluster);
    acknowledge(this.task, {
      'AwsSolutions-IAM5[Resource::*]':
        'states:SendTask*: a task token is itself the right to report on one task, and IAM knows no resource for it.',
    });
    acknowledge(this.task, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<${logicalId(cluster)}>/*]`]:
        'The tasks of one cluster: which of them a task is, IAM does not know.',
    });
    acknowledge(this.execution, {
      'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken: a log-in to the registry as a whole.',
    });
  }
}

const logicalId = (cluster: Cluster): string => Stack.of(cluster).getLogicalId(cluster.node.defaultChild as CfnElement);

/** Reports to workflows by task token. */
const grantTaskReports = (role: Role): void => {
  role.addToPolicy(
    new PolicyStatement({
      actions: ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
      resources: ['*'],
    }),
  );
};

/** Protects itself while it works; the container agent asks ECS in its name. */
const grantTaskProtection = (role: Role, { clusterName }: Cluster): void => {
  const tasks = Stack.of(role).formatArn({
    service: 'ecs',
    resource: 'task',
    resourceName: `${clusterName}/*`,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  role.addToPolicy(new PolicyStatement({ actions: ['ecs:UpdateTaskProtection'], resources: [tasks] }));
};
