import { Duration } from 'aws-cdk-lib';
import { LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import { type ISecurityGroup, type IVpc, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  type IFunction,
  type IVersion,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FUNCTION_MEGABYTES, FUNCTIONS, type FunctionDefinition, type FunctionName } from '../../contract/functions.ts';
import { LIVE_ALIAS } from '../../domain/operation/workflows.ts';
import { acknowledge } from '../acknowledge.ts';
import type { Configuration } from '../configuration-schema.ts';
import { ServiceRole } from '../service-role.ts';
import { codeOf } from './function-code.ts';
import type { Rollout } from './rollout.ts';

/** What the functions of a stack share. */
export type FunctionSettings = {
  /** Names are `<prefix>-<function>`. */
  readonly namePrefix: string;
  /** One for all of them: what an operation did is read in one place. A stream of it is a function's. */
  readonly log: ILogGroup;
  readonly logLevel: Configuration['logLevel'];
  /** Where functions that speak to instances are placed. */
  readonly network: { readonly vpc: IVpc; readonly callers: ISecurityGroup };
  /** How their new versions come into use; null: all at once. */
  readonly rollout: Rollout | null;
};

export type GraphfleetFunctionProps = {
  readonly name: FunctionName;
  /** Every variable that the function parses when it starts. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: FunctionSettings;
};

/** A function of `contract/functions.ts`, with a role of its own. Whoever calls it calls its alias. */
export class GraphfleetFunction extends Construct {
  /** The version that is in use: it is what a deploy moves, all at once or by and by. */
  readonly live: IFunction;
  readonly role: ServiceRole;

  constructor(scope: Construct, id: string, { name, environment, settings }: GraphfleetFunctionProps) {
    super(scope, id);
    const { timeoutSeconds, reachesInstances = false }: FunctionDefinition = FUNCTIONS[name];
    const { namePrefix, log, logLevel, network, rollout } = settings;
    this.role = new ServiceRole(this, 'Role', { service: 'lambda', description: `The function ${name}` });
    log.grantWrite(this.role);

    const code = new LambdaFunction(this, 'Function', {
      functionName: `${namePrefix}-${name}`,
      code: codeOf(name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: FUNCTION_MEGABYTES,
      role: this.role,
      logGroup: log,
      tracing: Tracing.ACTIVE,
      // Its metrics and lines are told apart by the stage.
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: namePrefix, POWERTOOLS_LOG_LEVEL: logLevel },
      ...(reachesInstances && {
        vpc: network.vpc,
        vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
        securityGroups: [network.callers],
      }),
    });
    const alias = new Alias(this, 'Live', {
      aliasName: LIVE_ALIAS,
      version: code.currentVersion as IVersion, // here and below: they differ under exactOptionalPropertyTypes only
    });
    this.live = alias as IFunction;
    if (rollout !== null) {
      const { alarms, ...how } = rollout;
      new LambdaDeploymentGroup(this, 'Rollout', { alias, alarms: [...alarms], ...how });
    }
    if (reachesInstances) this.#allowNetworkInterfaces();
    acknowledge(this.role, {
      'AwsSolutions-IAM5[Resource::*]': reachesInstances
        ? 'Traces belong to no resource. Lambda itself makes the interfaces in the network, before they have a name.'
        : 'Traces belong to no resource; nor does a task token, which is itself the right to report on one task.',
    });
  }

  /** What Lambda asks of the role of a function in a network. */
  #allowNetworkInterfaces(): void {
    this.role.addToPolicy(
      new PolicyStatement({
        actions: [
          'ec2:CreateNetworkInterface',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSubnets',
          'ec2:DeleteNetworkInterface',
          'ec2:AssignPrivateIpAddresses',
          'ec2:UnassignPrivateIpAddresses',
        ],
        resources: ['*'],
      }),
    );
  }
}
