import { environmentOf, FUNCTIONS, type FunctionName, type FunctionVariables } from '../contract/functions.ts';
import { LOCAL } from './settings.ts';
import { STATE_MACHINE_ARN_PREFIX } from './state-machines.ts';

type Sources = { identity: { issuer: string; jwksUrl: string }; objectStoreUrl: string };

/** The environment of every function on one machine; typed by the same schemas as the CDK constructs. */
export const functionEnvironments = ({
  identity,
  objectStoreUrl,
}: Sources): Record<FunctionName, Record<string, string>> => {
  const variables: FunctionVariables = {
    CONTROL_TABLE_NAME: LOCAL.tableName,
    STATE_MACHINE_ARN_PREFIX,
    OBJECT_STORE_URL: objectStoreUrl,
    TOKEN_ISSUER: identity.issuer,
    TOKEN_AUDIENCE: LOCAL.audience,
    TOKEN_JWKS_URL: identity.jwksUrl,
    ECS_CLUSTER: LOCAL.cluster,
    TASK_DEFINITION_PREFIX: LOCAL.taskDefinitionPrefix,
    SUBNET_IDS: 'subnet-local',
    SECURITY_GROUP_IDS: 'sg-local',
  };
  const names = Object.keys(FUNCTIONS) as FunctionName[];
  return Object.fromEntries(names.map((name) => [name, environmentOf(name, variables)])) as Record<
    FunctionName,
    Record<string, string>
  >;
};
