import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListSecretsCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { DEVELOPMENT_TENANTS } from '../../local/identity/development-tokens.ts';
import { signedWebhook } from '../fixtures/webhooks.ts';
import { cdk } from './cdk.ts';
import { adaptAssembly } from './emulated-assembly.ts';
import type { Emulation } from './emulation.ts';
import { signedFor } from './signed-for.ts';

/** The account's own key, which may do everything. */
const ACCOUNT = { accessKeyId: 'test', secretAccessKey: 'test' };
const PATIENCE_MS = 60_000;
const LOOK_AGAIN_MS = 200;

/** What the CDK's command line takes, in the root of this repository, to synthesize and deploy the working tree here. */
export const cdkEnvironment = ({ miniStack, directory, tokenEnvironment }: Emulation): Record<string, string> => ({
  ...miniStack.environment,
  ...tokenEnvironment,
  CDK_APP: 'node test/deploy/emulated-app.ts',
  // An assembly of `npm run synth` stays as it is.
  CDK_OUTPUT: join(directory, 'cdk.out'),
});

/**
 * Bootstraps the account and deploys every stack of an assembly.
 * @param synthesized a directory of `cdk synth`, which stays as it is; without, the dev stage is synthesized
 * @returns the directory of the assembly as it was deployed
 */
export const deploy = async (emulation: Emulation, synthesized?: string): Promise<string> => {
  const { miniStack, directory, tokenEnvironment } = emulation;
  const assembly = join(directory, 'cdk.deployed');
  if (synthesized === undefined) {
    const context = ['--context', 'instanceImage=placeholder'];
    await cdk(['synth', '--quiet', ...context, '--output', assembly], cdkEnvironment(emulation));
  } else {
    await cp(synthesized, assembly, { recursive: true });
    await adaptAssembly(assembly, tokenEnvironment);
  }
  const command = (name: string, ...args: string[]) =>
    cdk([name, '--app', assembly, '--progress', 'events', ...args], miniStack.environment);
  await command('bootstrap');
  await command('deploy', '--all', '--require-approval', 'never', '--concurrency', '4');
  await emulation.aliases.move();
  return assembly;
};

/** Graphs that one instance holds here: a whole run of the end-to-end tests makes some hundreds. */
const CAPACITY = 1_000;

/** Puts in what the billing provider signs with. */
export const putWebhookSecret = async ({ miniStack, webhookSecret }: Emulation): Promise<void> => {
  const { endpoint, region } = miniStack;
  const secrets = new SecretsManagerClient({ endpoint, region, credentials: ACCOUNT });
  const { SecretList: [secret] = [] } = await secrets.send(new ListSecretsCommand({}));
  await secrets.send(new PutSecretValueCommand({ SecretId: secret?.ARN, SecretString: webhookSecret }));
};

/**
 * Makes of a deployment that has the webhook's secret what the end-to-end tests call: tenants that have bought, and an
 * instance of each tier.
 */
export const furnish = async ({ url, tokens, webhookSecret }: Emulation): Promise<void> => {
  for (const tenantId of DEVELOPMENT_TENANTS) {
    const data = { subscriptionId: `sub-${tenantId}`, tenantId, plan: 'enterprise', periodEnd: '2999-01-01T00:00:00Z' };
    const event = { type: 'subscription.created', data };
    const { text, headers } = signedWebhook(event, { id: `evt_${tenantId}`, secret: webhookSecret });
    await called(fetch(`${url}/v1/billing/webhook`, { method: 'POST', body: text, headers }));
  }
  const asOperator = { authorization: `Bearer ${tokens.operator}`, 'content-type': 'application/json' };
  for (const tier of FLEET_TIERS) {
    const body = JSON.stringify({ minInstances: 1, maxInstances: 2, capacity: CAPACITY });
    await called(fetch(`${url}/v1/fleet/tiers/${tier}`, { method: 'PUT', body, headers: asOperator }));
  }
  for (const giveUpAt = Date.now() + PATIENCE_MS; ; await sleep(LOOK_AGAIN_MS)) {
    const response = await called(fetch(`${url}/v1/fleet/instances`, { headers: asOperator }));
    const instances = (await response.json()) as { tier: string; state: string }[];
    const active = new Set(instances.filter(({ state }) => state === 'ACTIVE').map(({ tier }) => tier));
    if (FLEET_TIERS.every((tier) => active.has(tier))) return;
    if (Date.now() > giveUpAt) throw new Error(`The instances do not register: ${JSON.stringify(instances)}`);
  }
};

const called = async (call: Promise<Response>): Promise<Response> => {
  const response = await call;
  if (response.ok) return response;
  throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
};

/** Describes a deployment as a runtime describes itself, in a file of its directory: tests look behind the API by it. */
export const describeDeployment = async (emulation: Emulation): Promise<void> => {
  const { miniStack, url, tokens, webhookSecret, directory } = emulation;
  const { endpoint } = miniStack;
  await writeFile(
    join(directory, 'runtime.json'),
    JSON.stringify({
      url,
      pid: process.pid,
      tokens,
      endpoints: { dynamodb: endpoint, stepfunctions: endpoint, ecs: endpoint, s3: endpoint },
      webhookSecret,
      ...(await namesIn(emulation)),
    }),
  );
};

/** What the table and the bucket are called, as every function with both is told. */
const namesIn = async ({ miniStack }: Emulation) => {
  const response = await fetch(`${miniStack.endpoint}/2015-03-31/functions/graphfleet-dev-erase-graph`, {
    headers: { authorization: signedFor('lambda') },
  });
  const { Configuration } = (await response.json()) as {
    Configuration: { Environment: { Variables: { CONTROL_TABLE_NAME: string; OBJECT_STORE_URL: string } } };
  };
  const { CONTROL_TABLE_NAME: tableName, OBJECT_STORE_URL: objectStoreUrl } = Configuration.Environment.Variables;
  return { tableName, objectStoreUrl };
};
