import { listDeadLettersRoute } from '../../contract/api/billing-routes.ts';
import type { WebhookStore } from '../../domain/billing/webhook-event.ts';
import { webhookStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { deadLetterView } from '../views/billing-view.ts';

/** GET /v1/dead-letters */
export const listDeadLetters =
  (events: WebhookStore) =>
  async ({ query }: ApiRequest<typeof listDeadLettersRoute>): Promise<ApiResponse> => {
    const { items, cursor } = await events.list('dead', query);
    return { status: 200, body: { deadLetters: items.map(deadLetterView), cursor } };
  };

export const handler = apiFunction('list-dead-letters', listDeadLettersRoute, (environment) =>
  listDeadLetters(webhookStore(environment)),
);
