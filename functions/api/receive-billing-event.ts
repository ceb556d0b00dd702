import { receiveBillingEventRoute } from '../../contract/api/billing-routes.ts';
import { openWebhookSecrets } from '../../domain/billing/webhook-secrets.ts';
import { verifyWebhook } from '../../domain/billing/webhook-signature.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { webhookInbox } from '../wiring/billing.ts';

/** POST /v1/billing/webhook: what is signed is kept, whatever it says; then it is processed, without waiting for a workflow. */
export const handler = apiFunction('receive-billing-event', receiveBillingEventRoute, (environment) => {
  const inbox = webhookInbox(environment);
  const secrets = openWebhookSecrets(environment.BILLING_WEBHOOK_SECRETS);
  return async ({ text, header }) => {
    const eventId = verifyWebhook(await secrets(), text, header);
    await inbox.receive(eventId, text);
    return { status: 202, body: { eventId } };
  };
});
