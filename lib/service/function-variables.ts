import { ArnFormat, type Stack } from 'aws-cdk-lib';
import type { FunctionVariables } from '../../contract/functions.ts';
import type { Configuration } from '../configuration.ts';
import type { InstanceFleet } from '../fleet/instance-fleet.ts';
import type { Stores } from './function-table.ts';

/** What the stacks of the control plane are made from. */
export type ServiceParts = {
  readonly configuration: Configuration;
  readonly stores: Stores;
  readonly fleet: InstanceFleet;
};

/** The names of a stage's functions and machines begin with it. */
export const namePrefixOf = ({ stage }: Configuration): string => `graphfleet-${stage}`;

/** Every variable that functions find in their environment. */
export const functionVariables = (stack: Stack, { configuration, stores, fleet }: ServiceParts): FunctionVariables => {
  const { tokens, dagster, lineage } = configuration;
  return {
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
    ...(dagster && { DAGSTER: JSON.stringify({ url: dagster.url, jobs: dagster.jobs }) }),
    ...(dagster?.tokenSecretArn && { DAGSTER_TOKEN: dagster.tokenSecretArn }),
    ...(lineage && { LINEAGE_URL: lineage.url }),
    ...(lineage?.tokenSecretArn && { LINEAGE_TOKEN: lineage.tokenSecretArn }),
  };
};
