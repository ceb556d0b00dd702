import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import { expect, onTestFinished, test } from 'vitest';
import type { Scope } from '../../../contract/api/route.ts';
import { FUNCTIONS } from '../../../contract/functions.ts';
import { usagePlanKey } from '../../../contract/usage-plans.ts';
import { functionEnvironments } from '../../../local/function-environments.ts';
import { startIdentity } from '../../../local/identity/start-identity.ts';
import { startLambda } from '../../../local/lambda/start-lambda.ts';
import { LOCAL } from '../../../local/settings.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const { region, accountId, audience } = LOCAL;

test('the authorizer names the key of the plan that its caller is in', async () => {
  const identity = await startIdentity({ port: 0, directory: await temporaryDirectory(), audience });
  onTestFinished(() => identity.close());
  const { authorize: definition } = FUNCTIONS;
  const { authorize: environment } = functionEnvironments({
    identity,
    objectStoreUrl: 'file:///nowhere',
    webhookSecret: 'whsec_bm9ib2R5IHNlbmRzIG9uZSBoZXJl',
  });
  const lambda = startLambda({
    functions: { authorize: definition },
    environments: { authorize: environment },
    common: { AWS_REGION: region, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    region,
    accountId,
  });
  const answerTo = async (...scopes: Scope[]) => {
    const token = await identity.sign({ subject: 'ada', tenantId: 'acme', scopes });
    const methodArn = `arn:aws:execute-api:${region}:${accountId}:api/v1/GET/graphs`;
    const event = { type: 'TOKEN', authorizationToken: `Bearer ${token}`, methodArn };
    return (await lambda.invoke('authorize', event)) as APIGatewayAuthorizerResult;
  };

  const [ofTenants, ofOperators] = [
    usagePlanKey(LOCAL.namePrefix, 'tenants'),
    usagePlanKey(LOCAL.namePrefix, 'operators'),
  ];
  expect(await answerTo('graphs:read', 'graphs:write')).toMatchObject({
    principalId: 'ada',
    context: { tenantId: 'acme', scopes: 'graphs:read graphs:write' },
    usageIdentifierKey: ofTenants,
  });
  expect(await answerTo('graphs:read', 'fleet:read')).toMatchObject({ usageIdentifierKey: ofOperators });
  expect(await answerTo('fleet:operate')).toMatchObject({ usageIdentifierKey: ofOperators });
});
