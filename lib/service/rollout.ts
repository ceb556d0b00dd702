import { Duration } from 'aws-cdk-lib';
import { Alarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type ILambdaApplication,
  type ILambdaDeploymentConfig,
  LambdaApplication,
  LambdaDeploymentConfig,
  TrafficRouting,
} from 'aws-cdk-lib/aws-codedeploy';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnStateMachineAlias } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { Configuration } from '../configuration-schema.ts';
import { ServiceRole } from '../service-role.ts';

/** How new versions of the functions of a stack come into use by and by. */
export type Rollout = {
  readonly application: ILambdaApplication;
  readonly deploymentConfig: ILambdaDeploymentConfig;
  readonly alarms: readonly IAlarm[];
  /** What CodeDeploy acts as: it moves the aliases of this stack's functions. */
  readonly role: IRole;
};

/** @returns null when the stage moves aliases all at once, which CloudFormation does by itself */
export const rolloutOf = (
  scope: Construct,
  folder: string,
  { stage, canary }: Configuration,
  alarmNames: readonly string[],
): Rollout | null => {
  if (canary === null) return null;
  const { percentage, minutes } = canary;
  const trafficRouting = TrafficRouting.timeBasedCanary({ percentage, interval: Duration.minutes(minutes) });
  return {
    application: new LambdaApplication(scope, `${folder}Rollout`, { applicationName: `graphfleet-${stage}-${folder}` }),
    deploymentConfig: new LambdaDeploymentConfig(scope, `${folder}RolloutConfig`, { trafficRouting }),
    alarms: alarmNames.map((name) => Alarm.fromAlarmName(scope, `${folder}Rollout-${name}`, name)),
    role: rolloutRole(scope, folder, stage).withoutPolicyUpdates(),
  };
};

/** How a new version of a machine comes into use. */
export const deploymentPreference = (
  stateMachineVersionArn: string,
  canary: Configuration['canary'],
  alarmNames: readonly string[],
): CfnStateMachineAlias.DeploymentPreferenceProperty =>
  canary === null
    ? { stateMachineVersionArn, type: 'ALL_AT_ONCE' }
    : {
        stateMachineVersionArn,
        type: 'CANARY',
        percentage: canary.percentage,
        interval: canary.minutes,
        alarms: [...alarmNames],
      };

/** Less than the policy that AWS keeps for it: no hooks, no provisioned concurrency, nothing in S3 and SNS. */
const rolloutRole = (scope: Construct, folder: string, stage: string): ServiceRole => {
  const role = new ServiceRole(scope, `${folder}RolloutRole`, {
    service: 'codedeploy',
    description: `Moves the aliases of functions: ${folder}`,
  });
  // Not its alias: for these actions IAM knows the function only.
  const functions = `function:graphfleet-${stage}-*`;
  role.addToPolicy(
    new PolicyStatement({
      actions: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetProvisionedConcurrencyConfig'],
      resources: [role.stack.formatArn({ service: 'lambda', resource: functions })],
    }),
  );
  role.addToPolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }));
  acknowledge(role, {
    [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:${functions}]`]:
      'Every function of this stage.',
    'AwsSolutions-IAM5[Resource::*]': 'CodeDeploy asks for alarms by a list of names, for which IAM knows no resource.',
  });
  return role;
};
