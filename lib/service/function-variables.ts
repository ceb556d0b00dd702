import { ArnFormat, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { FunctionVariables } from '../../contract/functions.ts';
import { type Configuration, namePrefixOf } from '../configuration-schema.ts';
import type { InstanceFleet } from '../fleet/instance-fleet.ts';
import { FUNCTION_CRASHED } from '../observability/log-metric.ts';
import type { Folder, Stores } from './function-table.ts';
import type { FunctionSettings } from './graphfleet-function.ts';
import { rolloutOf } from './rollout.ts';

/** What the stacks of the control plane are made from. */
export type ServiceParts = {
  readonly configuration: Configuration;
  readonly stores: Stores;
  readonly fleet: InstanceFleet;
  /** Names of alarms: a deploy of functions and workflows by and by goes back when one of them goes off. */
  readonly rollbackAlarms: readonly string[];
};

/** Every variable that functions find in their environment. */
export const functionVariables = (
  stack: Stack,
  { configuration, stores, fleet }: Omit<ServiceParts, 'rollbackAlarms'>,
): FunctionVariables => {
  const { tokens, dagster, lineage } = configuration;
  return {
    NAME_PREFIX: namePrefixOf(configuration),
    CONTROL_TABLE_NAME: stores.controlTable.table.tableName,
    OBJECT_STORE_URL: stores.snapshots.url,
    // Named, not referred to: some of these functions are steps of the machines, and others are in another stack.
    STATE_MACHINE_ARN_PREFIX: stack.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: `${namePrefixOf(configuration)}-`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
    BILLING_WEBHOOK_SECRETS: stores.webhookSecrets.secret.secretArn,
    TOKEN_ISSUER: tokens.issuer,
    TOKEN_AUDIENCE: tokens.audience,
    TOKEN_JWKS_URL: tokens.keySetUrl,
    ...fleet.environment,
    ...configuration.limits,
    RETENTION_DAYS: String(configuration.retentionDays),
    ...(dagster && { DAGSTER: JSON.stringify({ url: dagster.url, jobs: dagster.jobs }) }),
    ...(dagster?.tokenSecretArn && { DAGSTER_TOKEN: dagster.tokenSecretArn }),
    ...(lineage && { LINEAGE_URL: lineage.url }),
    ...(lineage?.tokenSecretArn && { LINEAGE_TOKEN: lineage.tokenSecretArn }),
  };
};

/** What the functions of a folder share; they are made in one stack. */
export const functionSettings = (
  stack: Stack,
  folder: Folder,
  { configuration, fleet, rollbackAlarms }: Omit<ServiceParts, 'stores'>,
): FunctionSettings => {
  const namePrefix = namePrefixOf(configuration);
  const log = new LogGroup(stack, `${folder}Log`, {
    logGroupName: `/graphfleet/${configuration.stage}/${folder}`,
    retention: configuration.logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  FUNCTION_CRASHED.countIn(log, namePrefix);
  return {
    namePrefix,
    log,
    logLevel: configuration.logLevel,
    network: fleet.network,
    rollout: rolloutOf(stack, folder, configuration, rollbackAlarms),
  };
};
