import type { DeadLetterView, SubscriptionView } from '../../contract/api/billing.ts';
import { type Subscription, statusOf } from '../../domain/billing/subscription.ts';
import type { Letter } from '../../domain/letter/letter.ts';

export const subscriptionView = (subscription: Subscription): SubscriptionView => {
  const { subscriptionId, terms, provisioning } = subscription;
  const { graphId, operationId, reason } = provisioning;
  return {
    subscriptionId,
    status: statusOf(subscription),
    plan: terms?.plan ?? null,
    periodEnd: terms?.periodEnd ?? null,
    graphId,
    operationId,
    reason,
  };
};

export const deadLetterView = ({ eventId, state, attempts, reason, receivedAt }: Letter): DeadLetterView => ({
  deadLetterId: eventId,
  state,
  attempts,
  reason,
  receivedAt,
});
