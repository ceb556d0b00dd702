import { redriveDeadLetterRoute } from '../../contract/api/billing-routes.ts';
import type { WebhookInbox } from '../../domain/billing/webhook-inbox.ts';
import { webhookInbox } from '../billing.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { deadLetterView } from '../views/billing-view.ts';

/** POST /v1/dead-letters/{deadLetterId}/redrive */
export const redriveDeadLetter =
  (inbox: WebhookInbox) =>
  async ({ params }: ApiRequest<typeof redriveDeadLetterRoute>): Promise<ApiResponse> => ({
    status: 200,
    body: deadLetterView(await inbox.redrive(params.deadLetterId)),
  });

export const handler = apiFunction('redrive-dead-letter', redriveDeadLetterRoute, (environment) =>
  redriveDeadLetter(webhookInbox(environment)),
);
