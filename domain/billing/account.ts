import type { Graph } from '../graph/graph.ts';
import { maxGraphsOf } from './plan.ts';
import { endOf, isLive, type Provisioning, type Standing, type Subscription, type Terms } from './subscription.ts';

/** A tenant's account: everything that decides whether it may go on, in one item. */
export type Account = {
  tenantId: string;
  subscriptions: Subscription[];
  /** Counts the changes of standings and terms, so that of two who act on them the one who has read more is known. */
  revision: number;
};

/** Whether the tenant pays for anything now. */
export const isPaying = ({ subscriptions }: Account): boolean => subscriptions.some(isLive);

/** Whether a graph is paid for now: one that was bought by its own subscription, any other by the account. */
export const paysFor = (account: Account, { subscriptionId }: Pick<Graph, 'subscriptionId'>): boolean =>
  subscriptionId === null
    ? isPaying(account)
    : account.subscriptions.some((one) => one.subscriptionId === subscriptionId && isLive(one));

/** When the last of what the account has paid for ends, or ended. Null: something is live or only owed, or nothing was ever bought. */
export const endOfAccount = ({ subscriptions }: Account): string | null => {
  let end: string | null = null;
  for (const subscription of subscriptions) {
    const { standing } = subscription;
    if (standing === null) continue;
    if (standing.status !== 'canceled') return null;
    const endsAt = new Date(endOf(subscription, standing)).toISOString();
    if (end === null || endsAt > end) end = endsAt;
  }
  return end;
};

/** How many graphs the tenant may have: as many as the best of the plans that it pays for allows. */
export const graphsAllowed = ({ subscriptions }: Account): number =>
  maxGraphsOf(subscriptions.filter(isLive).flatMap(({ terms }) => (terms === null ? [] : [terms.plan])));

/** An operation that provisions a subscription's graph. */
export type ProvisioningAttempt = Required<Pick<Provisioning, 'attempt'>> & { operationId: string; graphId: string };

/** Where accounts are kept. Each method is one read or one conditional write on the account's item. */
export interface AccountStore {
  /** Read consistently. A tenant that never bought anything has an account without subscriptions. */
  get(tenantId: string): Promise<Account>;
  /** Puts a subscription of which nothing is known into the account, if it is not there. */
  open(tenantId: string, subscriptionId: string): Promise<void>;
  /** Moves the standing forward; an older one changes nothing. */
  moveStanding(tenantId: string, subscriptionId: string, standing: Standing): Promise<void>;
  /** Moves the terms forward; older ones change nothing. */
  moveTerms(tenantId: string, subscriptionId: string, terms: Terms): Promise<void>;
  /** Closes a pending subscription without an operation: it is for the account as a whole, or its order can not be met. */
  close(tenantId: string, subscriptionId: string, end: Pick<Provisioning, 'status' | 'reason'>): Promise<void>;
  /** Opens an attempt, if the one before it is over and made no graph. False: another run did, or it is too late. */
  begin(tenantId: string, subscriptionId: string, attempt: ProvisioningAttempt): Promise<boolean>;
  /** Ends an attempt well. Repeating it is harmless. False: the attempt is not under way any more. */
  activate(tenantId: string, subscriptionId: string, operationId: string): Promise<boolean>;
  /** Ends an attempt badly: from here on it can not end well any more. Repeating it is harmless. */
  fail(tenantId: string, subscriptionId: string, operationId: string, reason: string): Promise<void>;
}
