import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { functionEnvironments } from '../../local/function-environments.ts';
import { startLambda } from '../../local/lambda/start-lambda.ts';
import { LOCAL } from '../../local/settings.ts';
import { describedBy } from './stores.ts';
import type { Target } from './target.ts';

/**
 * Runs scheduled functions of a runtime on this machine now, as its schedule does each minute, in this process.
 * @param more variables that the runtime was started with
 */
export const openSchedules = (target: Target, more: Record<string, string> = {}) => {
  const { dataDirectory, endpoints } = describedBy(target);
  const lambda = startLambda({
    functions: FUNCTIONS,
    environments: functionEnvironments({
      identity: { issuer: 'http://127.0.0.1:1', jwksUrl: 'http://127.0.0.1:1' },
      objectStoreUrl: pathToFileURL(join(dataDirectory, 'objects')).href,
      webhookSecret: 'none',
    }),
    common: {
      ...more,
      AWS_REGION: LOCAL.region,
      AWS_ACCESS_KEY_ID: LOCAL.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL.credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_SFN: endpoints.stepfunctions,
      AWS_ENDPOINT_URL_ECS: endpoints.ecs,
      POWERTOOLS_LOG_LEVEL: 'WARN',
      POWERTOOLS_METRICS_DISABLED: 'true',
    },
    region: LOCAL.region,
    accountId: LOCAL.accountId,
  });
  return async (name: FunctionName) => (await lambda.invoke(name, {})) as Record<string, number>;
};
