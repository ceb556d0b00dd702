import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Configuration } from '../configuration.ts';
import type { InstanceFleet } from '../fleet/instance-fleet.ts';
import { Api } from './api.ts';
import { apiFunctions } from './api-functions.ts';
import { makeFunctions, type Stores } from './function-table.ts';
import { OperationWorkflow } from './operation-workflow.ts';
import { reconcileFunctions, scheduleFunctions } from './reconcile-functions.ts';
import { stepFunctions } from './step-functions.ts';

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
    const table = { CONTROL_TABLE_NAME: stores.controlTable.table.tableName };

    const stepTable = stepFunctions({ ...table, OBJECT_STORE_URL: stores.snapshots.url });
    const steps = makeFunctions<'steps'>(this, stepTable, stores, settings);
    const { machine } = new OperationWorkflow(this, 'ProvisionGraph', {
      name: 'provision-graph',
      namePrefix,
      functions: steps,
      logRetention,
    });
    const workflows = { ...table, PROVISION_GRAPH_STATE_MACHINE_ARN: machine.stateMachineArn };

    const reconcileTable = reconcileFunctions(workflows, { ...table, ...fleet.environment });
    const reconcilers = makeFunctions<'reconcile'>(this, reconcileTable, stores, settings);
    scheduleFunctions(this, reconcilers);
    fleet.grantLaunch(reconcilers['keep-tier-minimum'].role);

    const apiTable = apiFunctions(workflows, {
      TOKEN_ISSUER: tokens.issuer,
      TOKEN_AUDIENCE: tokens.audience,
      TOKEN_JWKS_URL: tokens.keySetUrl,
    });
    const functions = makeFunctions<'api'>(this, apiTable, stores, settings);
    for (const starter of [functions['create-graph'], reconcilers['start-accepted-operations']]) {
      machine.grantStartExecution(starter.role);
    }

    const api = new Api(this, 'Api', { name: namePrefix, functions, throttling, logRetention });
    const address = `https://${api.rest.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    new CfnOutput(this, 'ApiUrl', { value: address, description: 'The API; every path begins with /v1' });
  }
}
