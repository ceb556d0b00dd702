import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FUNCTIONS, type FunctionDefinition, type FunctionName } from '../../contract/functions.ts';
import { acknowledge } from '../acknowledge.ts';

/** What all functions of a stage share. */
export type FunctionSettings = {
  /** Names are `<prefix>-<function>`. */
  readonly namePrefix: string;
  readonly logRetention: RetentionDays;
  /** Where functions that speak to instances are placed. */
  readonly network: { readonly vpc: IVpc; readonly callers: ISecurityGroup };
};

export type GraphfleetFunctionProps = {
  readonly name: FunctionName;
  /** Every variable that the function parses when it starts. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: FunctionSettings;
  /** Also the processor's share: 1769 MB are a whole one. @default 512 */
  readonly memoryMegabytes?: number;
};

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Lambda gives a function its credentials in variables; only without them would the SDK load these other ways. */
const OTHER_CREDENTIALS = ['sso', 'ini', 'process', 'web-identity', 'login'].map(
  (way) => `@aws-sdk/credential-provider-${way}`,
);
const REQUIRE_FOR_COMMON_JS =
  "import{createRequire as createBundleRequire}from'node:module';const require=createBundleRequire(import.meta.url);";

/** A function of `contract/functions.ts`, with a role and a log of its own. */
export class GraphfleetFunction extends Construct {
  readonly function: NodejsFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, { name, environment, settings, memoryMegabytes }: GraphfleetFunctionProps) {
    super(scope, id);
    const { folder, timeoutSeconds, reachesInstances = false }: FunctionDefinition = FUNCTIONS[name];
    const { namePrefix, logRetention, network } = settings;
    const logGroup = new LogGroup(this, 'Log', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `The function ${name}`,
    });
    logGroup.grantWrite(this.role);

    this.function = new NodejsFunction(this, 'Function', {
      functionName: `${namePrefix}-${name}`,
      entry: `${PROJECT}functions/${folder}/${name}.ts`,
      projectRoot: PROJECT,
      depsLockFilePath: `${PROJECT}package-lock.json`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: memoryMegabytes ?? 512,
      role: this.role,
      logGroup,
      tracing: Tracing.ACTIVE,
      environment: { ...environment },
      bundling: {
        format: OutputFormat.ESM,
        minify: true,
        mainFields: ['module', 'main'],
        externalModules: OTHER_CREDENTIALS,
        banner: REQUIRE_FOR_COMMON_JS,
        logLevel: LogLevel.WARNING,
      },
      ...(reachesInstances && {
        vpc: network.vpc,
        vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
        securityGroups: [network.callers],
      }),
    });
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
