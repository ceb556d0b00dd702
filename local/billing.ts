import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DynamoAccountStore } from '../domain/billing/dynamo-account-store.ts';
import { markOf } from '../domain/billing/subscription.ts';
import { DEVELOPMENT_TENANTS } from './identity/development-tokens.ts';
import { LOCAL } from './settings.ts';

/** The secret in the directory that webhooks are signed with, made when there is none. */
export const webhookSecretIn = async (directory: string): Promise<string> => {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'webhook-secret');
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  // Renamed into place, so that a crash leaves a whole secret or none.
  await writeFile(`${file}.new`, secret, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secret;
};

/** Gives the tenants of the development tokens a live subscription, as if they had bought one that is for no graph. */
export const subscribeDevelopmentTenants = async (client: DynamoDBClient): Promise<void> => {
  const table = { documents: DynamoDBDocumentClient.from(client), tableName: LOCAL.tableName };
  const accounts = new DynamoAccountStore(table);
  const subscriptionId = 'development';
  // Older than every event that anybody sends, so that one which cancels it holds after a restart too.
  const mark = markOf('2000-01-01T00:00:00Z', 'live', subscriptionId);
  for (const tenantId of DEVELOPMENT_TENANTS) {
    await accounts.open(tenantId, subscriptionId);
    await accounts.moveTerms(tenantId, subscriptionId, { plan: 'enterprise', periodEnd: null, mark });
    await accounts.close(tenantId, subscriptionId, { status: 'active', reason: null });
    await accounts.moveStanding(tenantId, subscriptionId, { status: 'live', mark });
  }
};
