import { randomUUID } from 'node:crypto';
import { signedToken } from '../fixtures/tokens.ts';
import { signedWebhook } from '../fixtures/webhooks.ts';
import { Client } from './client.ts';
import { describedBy } from './stores.ts';

/** A client of a new tenant, which has never paid for anything. */
export const newTenant = async ({ target }: Client): Promise<{ tenantId: string; client: Client }> => {
  const tenantId = `tenant-${randomUUID()}`;
  const claims = { tenant_id: tenantId, scope: 'graphs:read graphs:write' };
  const tenant = await signedToken(describedBy(target).dataDirectory, { claims });
  return { tenantId, client: new Client({ ...target, tokens: { ...target.tokens, tenant } }) };
};

/** A client of a new tenant, which has paid. */
export const payingTenant = async (of: Client): Promise<Client> => {
  const { tenantId, client } = await newTenant(of);
  const data = { subscriptionId: 'sub_1', tenantId, plan: 'enterprise', periodEnd: '2999-01-01T00:00:00Z' };
  const delivered = { id: `evt_${tenantId}`, secret: describedBy(of.target).webhookSecret };
  const { text, headers } = signedWebhook({ type: 'subscription.created', data }, delivered);
  const answer = await client.call('/v1/billing/webhook', { method: 'POST', token: null, text, headers });
  if (answer.status !== 202) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return client;
};
