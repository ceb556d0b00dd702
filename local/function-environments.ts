import { environmentOf, FUNCTIONS, type FunctionName, type FunctionVariables } from '../contract/functions.ts';
import { type Limits, LOCAL } from './settings.ts';
import { STATE_MACHINE_ARN_PREFIX } from './state-machines.ts';

type Sources = {
  identity: { issuer: string; jwksUrl: string };
  objectStoreUrl: string;
  webhookSecret: string;
  limits?: Limits;
};

/** The environment of every function on one machine; typed by the same schemas as the CDK constructs. */
export const functionEnvironments = ({
  identity,
  objectStoreUrl,
  webhookSecret,
  limits,
}: Sources): Record<FunctionName, Record<string, string>> => {
  const variables: FunctionVariables = {
    NAME_PREFIX: LOCAL.namePrefix,
    CONTROL_TABLE_NAME: LOCAL.tableName,
    STATE_MACHINE_ARN_PREFIX,
    OBJECT_STORE_URL: objectStoreUrl,
    BILLING_WEBHOOK_SECRETS: webhookSecret,
    TOKEN_ISSUER: identity.issuer,
    TOKEN_AUDIENCE: LOCAL.audience,
    TOKEN_JWKS_URL: identity.jwksUrl,
    ECS_CLUSTER: LOCAL.cluster,
    TASK_DEFINITION_PREFIX: LOCAL.taskDefinitionPrefix,
    SUBNET_IDS: 'subnet-local',
    SECURITY_GROUP_IDS: 'sg-local',
    ...limits,
  };
  const names = Object.keys(FUNCTIONS) as FunctionName[];
  return Object.fromEntries(names.map((name) => [name, environmentOf(name, variables)])) as Record<
    FunctionName,
    Record<string, string>
  >;
};
