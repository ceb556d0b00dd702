import { provisionSubscriptionRoute } from '../../contract/api/billing-routes.ts';
import type { Subscriptions } from '../../domain/billing/subscriptions.ts';
import { subscriptions } from '../billing.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';

/** POST /v1/billing/subscriptions/{subscriptionId}/provision: asked twice, it is one attempt. */
export const provisionSubscription =
  (billing: Subscriptions) =>
  async ({ tenantId, params }: ApiRequest<typeof provisionSubscriptionRoute>): Promise<ApiResponse> =>
    accepted(await billing.provision(tenantId, params.subscriptionId));

export const handler = apiFunction('provision-subscription', provisionSubscriptionRoute, (environment) =>
  provisionSubscription(subscriptions(environment)),
);
