import { Refusal } from '../failure.ts';
import type { GraphStore } from '../graph/graph.ts';
import type { GraphRequest } from '../graph/graph-request.ts';
import { graphIdFor, operationIdFor } from '../identifier.ts';
import { isTerminal } from '../operation/operation.ts';
import type { AcceptedOperation, OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { type Account, type AccountStore, graphsAllowed } from './account.ts';
import { ACCOUNT, type AccountLifecycle } from './account-lifecycle.ts';
import type { OrderStore } from './order.ts';
import type { Reminder, ReminderStore } from './reminder.ts';
import { DAY_MS, deleteUnpaid } from './retention.ts';
import { type BillingStatus, endOf, isLive, markOf, type Standing, type Subscription } from './subscription.ts';

const LOOK_AGAIN_MS = 5 * 60_000;

/** What an event of the billing provider says of a subscription. */
export type BillingFact = {
  eventId: string;
  /** When it happened, as the provider says: events come in any order. */
  at: string;
  tenantId: string;
  subscriptionId: string;
  /** Null: the event does not say. */
  status: BillingStatus | null;
  plan: string;
  periodEnd: string | null;
  /** The graph that was bought, or why it can not be made; `none` when none was bought, null when the event does not say. */
  order: GraphRequest | Refusal | 'none' | null;
};

type Dependencies = {
  accounts: AccountStore;
  orders: OrderStore;
  reminders: ReminderStore;
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  /** Looks after what the account pays for as a whole. */
  lifecycle: Pick<AccountLifecycle, 'settle'>;
  /** How long the graph of an ended subscription is kept. */
  retentionDays: number;
  now?: () => Date;
};

/**
 * What follows from what is known of a subscription. Facts are recorded first; then {@link settle} reads them all and does
 * what they ask for, each step of which can be repeated: it is called for every event, and by itself when a reminder is
 * due, so that whatever a crash left undone is done.
 */
export class Subscriptions {
  readonly #our: Dependencies;
  readonly #now: () => Date;

  constructor(dependencies: Dependencies) {
    this.#our = dependencies;
    this.#now = dependencies.now ?? (() => new Date());
  }

  /** Records what an event says and acts on it. In whatever order events come, and however often, the end is the same. */
  async record({ eventId, at, tenantId, subscriptionId, status, plan, periodEnd, order }: BillingFact): Promise<void> {
    const { accounts, orders } = this.#our;
    const mark = markOf(at, status, eventId);
    await accounts.open(tenantId, subscriptionId);
    await accounts.moveTerms(tenantId, subscriptionId, { plan, periodEnd, mark });
    if (order === 'none') await accounts.close(tenantId, subscriptionId, { status: 'active', reason: null });
    else if (order instanceof Refusal) {
      await accounts.close(tenantId, subscriptionId, { status: 'failed', reason: order.message });
    } else if (order !== null) await orders.put(tenantId, subscriptionId, order);
    if (status !== null) await accounts.moveStanding(tenantId, subscriptionId, { status, mark });
    await this.settle(tenantId, subscriptionId, { again: true });
    await this.#our.lifecycle.settle(tenantId);
  }

  /**
   * Provisions a subscription whose provisioning failed, or finds the operation that is at it.
   * @throws {Refusal} `not_found`, `payment_required`, `conflict` when there is nothing to provision
   */
  async provision(tenantId: string, subscriptionId: string): Promise<AcceptedOperation> {
    const { subscription: asked } = await this.#read(tenantId, subscriptionId);
    if (asked === undefined) throw noSubscription(subscriptionId);
    if (!isLive(asked)) {
      throw new Refusal('payment_required', `The subscription "${subscriptionId}" is not paid for.`);
    }
    await this.settle(tenantId, subscriptionId, { again: true });
    const { account, subscription } = await this.#read(tenantId, subscriptionId);
    if (subscription?.provisioning.status === 'provisioning') return this.#open(account, subscription);
    throw new Refusal('conflict', `The subscription "${subscriptionId}" has nothing to provision.`);
  }

  /**
   * Looks after the next `limit` subscriptions, and accounts as a whole, whose reminder is due. One that can not be helped
   * now waits its turn.
   * @returns `waiting`: those whose graph is still being made, as they are when they are looked at again, after five minutes
   */
  async takeTurn(limit: number): Promise<{ settled: number; failed: number; waiting: number }> {
    const count = { settled: 0, failed: 0, waiting: 0 };
    const { reminders, lifecycle } = this.#our;
    for (const { tenantId, subscriptionId } of await reminders.listDue(this.#now().toISOString(), limit)) {
      try {
        if (subscriptionId === ACCOUNT) await lifecycle.settle(tenantId);
        else if ((await this.settle(tenantId, subscriptionId)) === 'waiting') count.waiting += 1;
        count.settled += 1;
      } catch {
        count.failed += 1;
        // Others are due too, and must not wait behind it.
        const reminder = await reminders.get(tenantId, subscriptionId);
        await reminders.set(reminder, this.#later(), reminder.sweep).catch(() => false);
      }
    }
    return count;
  }

  /**
   * Does what is to be done about a subscription now, and sets when it is to be looked at again. When another run has
   * looked at it meanwhile, what this one read may be old: then it looks once more.
   * @param again provision once more what failed
   * @returns whether its graph is being made
   */
  async settle(tenantId: string, subscriptionId: string, { again = false } = {}): Promise<'settled' | 'waiting'> {
    for (let mayAgain = again; ; ) {
      const reminder = await this.#our.reminders.get(tenantId, subscriptionId);
      const { account, subscription } = await this.#read(tenantId, subscriptionId);
      if (subscription === undefined) return 'settled';
      const outcome = await this.#advance(account, subscription, reminder, mayAgain);
      if (outcome === 'waiting') return outcome;
      if (outcome === 'done') return 'settled';
      if (outcome === 'begun') mayAgain = false;
    }
  }

  /** What to do next: nothing; look once more, because the reminder is not as it was read; or open what was begun. */
  async #advance(
    account: Account,
    subscription: Subscription,
    reminder: Reminder,
    again: boolean,
  ): Promise<'done' | 'waiting' | 'stale' | 'begun'> {
    const { tenantId } = account;
    const { subscriptionId, standing, provisioning } = subscription;
    if (provisioning.status === 'provisioning') {
      const waits = await this.#attend(account, subscription);
      const reminded = await this.#remind(reminder, this.#later());
      return reminded === 'done' && waits ? 'waiting' : reminded;
    }
    const hasGraph = provisioning.status === 'active' && provisioning.graphId !== null;
    const mayBegin = provisioning.status !== 'failed' || again;
    if (isLive(subscription) && !hasGraph && mayBegin) {
      if ((await this.#our.orders.get(tenantId, subscriptionId)) === undefined) return this.#remind(reminder, null);
      // Reminded before it is begun: whatever becomes of this run, somebody looks whether the operation is there.
      if (!(await this.#our.reminders.set(reminder, this.#later()))) return 'stale';
      await this.#our.accounts.begin(tenantId, subscriptionId, attemptAfter(tenantId, subscription));
      return 'begun';
    }
    if (!hasGraph || standing === null) return this.#remind(reminder, null);
    return this.#remind(reminder, await this.#lookAfter(provisioning.graphId ?? '', tenantId, subscription, standing));
  }

  /**
   * Opens the operation that the subscription names, if it is not open; fails the subscription if it ended without it.
   * @returns whether the operation is under way
   */
  async #attend(account: Account, subscription: Subscription): Promise<boolean> {
    const { replayed } = await this.#open(account, subscription);
    const operationId = subscription.provisioning.operationId ?? '';
    if (!replayed) return true;
    const { status, error } = await this.#our.operations.get(operationId);
    if (!isTerminal(status)) return true;
    if (status === 'succeeded') return false;
    const reason = error?.message ?? `The operation ended ${status}.`;
    await this.#our.accounts.fail(account.tenantId, subscription.subscriptionId, operationId, reason);
    return false;
  }

  async #open(account: Account, { subscriptionId, provisioning }: Subscription): Promise<AcceptedOperation> {
    const { tenantId } = account;
    const { operationId, graphId, attempt } = provisioning;
    const order = await this.#our.orders.get(tenantId, subscriptionId);
    if (order === undefined || operationId === null) throw noSubscription(subscriptionId);
    const request: GraphRequest = { ...order, subscriptionId, maxGraphs: graphsAllowed(account) };
    return this.#our.commands.accept({
      operationId,
      kind: 'graph.create',
      tenantId,
      graphId,
      actor: CONTROL_PLANE,
      request,
      // The same whoever asks: the plan may have changed since.
      body: { subscriptionId, attempt },
    });
  }

  /** Keeps a graph in use as long as it is paid for. @returns when to look again */
  async #lookAfter(graphId: string, tenantId: string, subscription: Subscription, standing: Standing) {
    const { graphs, retentionDays } = this.#our;
    const now = this.#now().getTime();
    if (standing.status === 'live') {
      return (await graphs.followStanding(graphId, 'active', standing.mark)) ? null : this.#unlessGone(graphId);
    }
    const endsAt = Date.parse(endOf(subscription, standing));
    if (standing.status === 'past_due') return null;
    if (now < endsAt) return new Date(endsAt).toISOString();
    const isSuspended = await graphs.followStanding(graphId, 'suspended', standing.mark);
    const deletedAt = endsAt + retentionDays * DAY_MS;
    if (now < deletedAt) return isSuspended ? new Date(deletedAt).toISOString() : this.#unlessGone(graphId);
    if ((await graphs.get(graphId)) === undefined) return null;
    await deleteUnpaid(this.#our.commands, { tenantId, graphId }, standing.mark, this.#now());
    return this.#later();
  }

  async #read(tenantId: string, subscriptionId: string) {
    const account = await this.#our.accounts.get(tenantId);
    return { account, subscription: account.subscriptions.find((one) => one.subscriptionId === subscriptionId) };
  }

  async #remind(reminder: Reminder, dueAt: string | null): Promise<'done' | 'stale'> {
    return reminder.dueAt === dueAt || (await this.#our.reminders.set(reminder, dueAt)) ? 'done' : 'stale';
  }

  async #unlessGone(graphId: string): Promise<string | null> {
    return (await this.#our.graphs.get(graphId)) === undefined ? null : this.#later();
  }

  #later(): string {
    return new Date(this.#now().getTime() + LOOK_AGAIN_MS).toISOString();
  }
}

/**
 * The one operation of an attempt: derived, so that whoever opens it opens the same. No client can choose it, because no
 * Idempotency-Key has a space.
 */
const attemptAfter = (tenantId: string, { subscriptionId, provisioning }: Subscription) => {
  const attempt = provisioning.attempt + 1;
  const operationId = operationIdFor(tenantId, `subscription ${subscriptionId} ${attempt}`);
  return { attempt, operationId, graphId: graphIdFor(operationId) };
};

const noSubscription = (subscriptionId: string): Refusal =>
  new Refusal('not_found', `There is no subscription "${subscriptionId}".`);
