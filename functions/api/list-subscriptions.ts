import { listSubscriptionsRoute } from '../../contract/api/billing-routes.ts';
import type { AccountStore } from '../../domain/billing/account.ts';
import { accountStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { subscriptionView } from '../views/billing-view.ts';

/** GET /v1/billing/subscriptions */
export const listSubscriptions =
  (accounts: AccountStore) =>
  async ({ tenantId }: ApiRequest<typeof listSubscriptionsRoute>): Promise<ApiResponse> => {
    const { subscriptions } = await accounts.get(tenantId);
    return { status: 200, body: { subscriptions: subscriptions.map(subscriptionView) } };
  };

export const handler = apiFunction('list-subscriptions', listSubscriptionsRoute, (environment) =>
  listSubscriptions(accountStore(environment)),
);
