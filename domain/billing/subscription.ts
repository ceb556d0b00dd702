export const BILLING_STATUSES = ['live', 'past_due', 'canceled'] as const;
export type BillingStatus = (typeof BILLING_STATUSES)[number];

export const SUBSCRIPTION_STATUSES = ['pending', 'provisioning', 'active', 'past_due', 'canceled', 'failed'] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** Whether it is paid for, as the newest of the provider's events that says so tells it. `mark`: see {@link markOf}. */
export type Standing = { status: BillingStatus; mark: string };

/** What is paid for and until when. `periodEnd` null: not told. */
export type Terms = { plan: string; periodEnd: string | null; mark: string };

/** What became of the graph that the subscription bought. */
export type Provisioning = {
  status: 'pending' | 'provisioning' | 'active' | 'failed';
  /** How many operations there were; the newest has this number in what its id is derived from. */
  attempt: number;
  operationId: string | null;
  graphId: string | null;
  /** Why the newest attempt failed. */
  reason: string | null;
};

/**
 * A subscription: three facts that move independently of each other. Standing and terms move forward by the time of the
 * provider's events, provisioning by the operation that makes the graph.
 */
export type Subscription = {
  subscriptionId: string;
  standing: Standing | null;
  terms: Terms | null;
  provisioning: Provisioning;
};

export const NOT_PROVISIONED: Provisioning = {
  status: 'pending',
  attempt: 0,
  operationId: null,
  graphId: null,
  reason: null,
};

/**
 * The place of an event among all of its subscription, as a text that sorts: by its time, then how far in the life of a
 * subscription its status is, then its id. So events in any order, however often, leave the same subscription.
 */
export const markOf = (at: string, status: BillingStatus | null, eventId: string): string =>
  `${new Date(at).toISOString()}#${status === null ? 0 : BILLING_STATUSES.indexOf(status) + 1}#${eventId}`;

/** What is shown of a subscription. What has ended or failed is told before what is merely owed. */
export const statusOf = ({ standing, provisioning }: Subscription): SubscriptionStatus => {
  if (standing?.status === 'canceled') return 'canceled';
  if (provisioning.status === 'failed') return 'failed';
  if (standing?.status === 'past_due') return 'past_due';
  return standing === null ? 'pending' : provisioning.status;
};

/** Whether it pays for something now. */
export const isLive = ({ standing }: Subscription): boolean => standing?.status === 'live';

/** When what was paid for ends; of a canceled one that does not tell, at once. */
export const endOf = ({ terms }: Subscription, canceled: Standing): string =>
  terms?.periodEnd ?? canceled.mark.slice(0, canceled.mark.indexOf('#'));
