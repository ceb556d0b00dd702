import { receiveBillingEventRoute } from '../../contract/api/billing-routes.ts';
import { openWebhookSecrets, type WebhookSecrets } from '../../domain/billing/webhook-secrets.ts';
import { verifyWebhook } from '../../domain/billing/webhook-signature.ts';
import type { LetterBox } from '../../domain/letter/letter-box.ts';
import { webhookInbox } from '../billing.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';

/** POST /v1/billing/webhook: what is signed is kept, whatever it says; then it is processed, without waiting for a workflow. */
export const receiveBillingEvent =
  (inbox: LetterBox, secrets: WebhookSecrets) =>
  async ({ text, header }: ApiRequest<typeof receiveBillingEventRoute>): Promise<ApiResponse> => {
    const eventId = verifyWebhook(await secrets(), text, header);
    await inbox.receive(eventId, text);
    return { status: 202, body: { eventId } };
  };

export const handler = apiFunction('receive-billing-event', receiveBillingEventRoute, (environment) =>
  receiveBillingEvent(webhookInbox(environment), openWebhookSecrets(environment.BILLING_WEBHOOK_SECRETS)),
);
