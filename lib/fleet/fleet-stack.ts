import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { InstanceFleet, type InstanceFleetProps } from './instance-fleet.ts';

export type FleetStackProps = StackProps & InstanceFleetProps;

/** Where graph instances run. A deploy of it never touches one that runs. */
export class FleetStack extends Stack {
  readonly fleet: InstanceFleet;

  constructor(scope: Construct, id: string, props: FleetStackProps) {
    super(scope, id, props);
    this.fleet = new InstanceFleet(this, 'Fleet', props);
    new CfnOutput(this, 'ClusterName', { value: this.fleet.environment.ECS_CLUSTER });
  }
}
