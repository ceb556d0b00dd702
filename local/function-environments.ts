import type { EnvironmentOf, FunctionName } from '../contract/functions.ts';
import { LOCAL } from './settings.ts';
import { stateMachineArn } from './state-machines.ts';

type Sources = { identity: { issuer: string; jwksUrl: string }; objectStoreUrl: string };

/** The environment of every function on one machine; typed by the same schemas as the CDK constructs. */
export const functionEnvironments = ({
  identity,
  objectStoreUrl,
}: Sources): { [Name in FunctionName]: EnvironmentOf<Name> } => {
  const table = { CONTROL_TABLE_NAME: LOCAL.tableName };
  const workflows = { PROVISION_GRAPH_STATE_MACHINE_ARN: stateMachineArn('provision-graph') };
  return {
    authorize: { TOKEN_ISSUER: identity.issuer, TOKEN_AUDIENCE: LOCAL.audience, TOKEN_JWKS_URL: identity.jwksUrl },
    'create-graph': { ...table, ...workflows },
    'list-graphs': table,
    'get-graph': table,
    'query-graph': table,
    'list-operations': table,
    'get-operation': table,
    'list-events': table,
    'get-health': {},
    'get-open-api': {},
    'take-slot': table,
    'dispatch-job': table,
    'activate-graph': table,
    'begin-undo': table,
    'deactivate-graph': table,
    'withdraw-snapshot': { ...table, OBJECT_STORE_URL: objectStoreUrl },
    'drop-database': table,
    'free-slot': table,
    'delete-graph': table,
    'record-failure': table,
    'record-undo-failure': table,
    'start-accepted-operations': { ...table, ...workflows },
    'keep-tier-minimum': {
      ...table,
      ECS_CLUSTER: LOCAL.cluster,
      TASK_DEFINITION_PREFIX: LOCAL.taskDefinitionPrefix,
      SUBNET_IDS: 'subnet-local',
      SECURITY_GROUP_IDS: 'sg-local',
    },
  };
};
