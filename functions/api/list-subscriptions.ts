import { listSubscriptionsRoute } from '../../contract/api/billing-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { subscriptionView } from '../views/billing-view.ts';
import { accountStore } from '../wiring/billing.ts';

/** GET /v1/billing/subscriptions */
export const handler = apiFunction('list-subscriptions', listSubscriptionsRoute, (environment) => {
  const accounts = accountStore(environment);
  return async ({ tenantId }) => {
    const { subscriptions } = await accounts.get(tenantId);
    return { status: 200, body: { subscriptions: subscriptions.map(subscriptionView) } };
  };
});
