import { ArnFormat, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { FunctionVariables } from '../../contract/functions.ts';
import { STATE_MACHINES } from '../../domain/operation/workflows.ts';
import type { Configuration } from '../configuration.ts';
import type { InstanceFleet } from '../fleet/instance-fleet.ts';
import { Api } from './api.ts';
import { API_FUNCTIONS } from './api-functions.ts';
import { makeFunctions, type Stores } from './function-table.ts';
import { OperationWorkflow } from './operation-workflow.ts';
import { RECONCILE_FUNCTIONS, scheduleFunctions } from './reconcile-functions.ts';
import { STEP_FUNCTIONS } from './step-functions.ts';

export type ServiceStackProps = StackProps & {
  readonly configuration: Configuration;
  readonly stores: Stores;
  readonly fleet: InstanceFleet;
};

/** The control plane: functions, workflows and the API. It keeps nothing, so it can be made anew at any time. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    super(scope, id, props);
    const { configuration, stores, fleet } = props;
    const { tokens, throttling, logRetention } = configuration;
    const namePrefix = `graphfleet-${configuration.stage}`;
    const settings = { namePrefix, logRetention, network: fleet.network };
    const prefixArn = { service: 'states', resource: 'stateMachine', arnFormat: ArnFormat.COLON_RESOURCE_NAME };
    const variables: FunctionVariables = {
      CONTROL_TABLE_NAME: stores.controlTable.table.tableName,
      OBJECT_STORE_URL: stores.snapshots.url,
      STATE_MACHINE_ARN_PREFIX: this.formatArn({ ...prefixArn, resourceName: `${namePrefix}-` }),
      TOKEN_ISSUER: tokens.issuer,
      TOKEN_AUDIENCE: tokens.audience,
      TOKEN_JWKS_URL: tokens.keySetUrl,
      ...fleet.environment,
    };
    const steps = makeFunctions<'steps'>(this, STEP_FUNCTIONS, stores, variables, settings);
    for (const name of STATE_MACHINES) {
      new OperationWorkflow(this, pascalCase(name), { name, namePrefix, functions: steps, logRetention });
    }
    const reconcilers = makeFunctions<'reconcile'>(this, RECONCILE_FUNCTIONS, stores, variables, settings);
    scheduleFunctions(this, reconcilers);
    fleet.grantLaunch(reconcilers['keep-tier-minimum'].role);
    const functions = makeFunctions<'api'>(this, API_FUNCTIONS, stores, variables, settings);

    const api = new Api(this, 'Api', { name: namePrefix, functions, throttling, logRetention });
    const address = `https://${api.rest.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    new CfnOutput(this, 'ApiUrl', { value: address, description: 'The API; every path begins with /v1' });
  }
}

const pascalCase = (name: string): string =>
  name.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
