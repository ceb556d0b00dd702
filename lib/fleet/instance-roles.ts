import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { ControlTable } from '../data/control-table.ts';
import type { SnapshotBucket } from '../data/snapshot-bucket.ts';

export type InstanceRolesProps = {
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
};

/** What instances act as, and what ECS acts as to start them. */
export class InstanceRoles extends Construct {
  readonly task: Role;
  readonly execution: Role;

  constructor(scope: Construct, id: string, { controlTable, snapshots }: InstanceRolesProps) {
    super(scope, id);
    const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com');
    this.task = new Role(this, 'Task', { assumedBy, description: 'A graph instance' });
    this.execution = new Role(this, 'Execution', { assumedBy, description: 'Starts graph instances' });

    // Registers and heartbeats, learns its capacity, reports progress, publishes.
    controlTable.grant(this.task, 'changesInstances');
    controlTable.grant(this.task, 'readsTiers');
    controlTable.grant(this.task, 'readsLog');
    controlTable.grant(this.task, 'appendsToLog');
    controlTable.grant(this.task, 'readsGraphs');
    controlTable.grant(this.task, 'changesGraphs');
    snapshots.grant(this.task, 'readsSnapshots');
    snapshots.grant(this.task, 'writesSnapshots');
    snapshots.grant(this.task, 'removesSnapshots');
    grantTaskReports(this.task);
    acknowledge(this.task, {
      'AwsSolutions-IAM5[Resource::*]':
        'states:SendTask*: a task token is itself the right to report on one task, and IAM knows no resource for it.',
    });
    acknowledge(this.execution, {
      'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken: a log-in to the registry as a whole.',
    });
  }
}

/** Reports to workflows by task token. */
const grantTaskReports = (role: Role): void => {
  role.addToPolicy(
    new PolicyStatement({
      actions: ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
      resources: ['*'],
    }),
  );
};
