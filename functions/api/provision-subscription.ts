import { provisionSubscriptionRoute } from '../../contract/api/billing-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { subscriptions } from '../wiring/billing.ts';

/** POST /v1/billing/subscriptions/{subscriptionId}/provision: asked twice, it is one attempt. */
export const handler = apiFunction('provision-subscription', provisionSubscriptionRoute, (environment) => {
  const billing = subscriptions(environment);
  return async ({ tenantId, params }) => accepted(await billing.provision(tenantId, params.subscriptionId));
});
