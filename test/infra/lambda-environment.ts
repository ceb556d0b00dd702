/** All that any function parses, and what Lambda itself sets. */
export const LAMBDA_ENVIRONMENT = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'placeholder',
  AWS_SECRET_ACCESS_KEY: 'placeholder',
  NAME_PREFIX: 'graphfleet-dev',
  CONTROL_TABLE_NAME: 'table',
  OBJECT_STORE_URL: 's3://bucket',
  STATE_MACHINE_ARN_PREFIX: 'arn:aws:states:eu-central-1:000000000000:stateMachine:graphfleet-dev-',
  BILLING_WEBHOOK_SECRETS: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:webhooks',
  TOKEN_ISSUER: 'https://identity.example.com/',
  TOKEN_AUDIENCE: 'graphfleet',
  TOKEN_JWKS_URL: 'https://identity.example.com/jwks.json',
  ECS_CLUSTER: 'cluster',
  TASK_DEFINITION_PREFIX: 'graphfleet-dev',
  SUBNET_IDS: 'subnet-1,subnet-2',
  SECURITY_GROUP_IDS: 'sg-1',
};
