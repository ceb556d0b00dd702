import { Refusal } from '../failure.ts';
import type { FlagStore } from '../flags/feature-flags.ts';
import { type AccountStore, graphsAllowed, isPaying } from './account.ts';
import type { GraphQuota } from './graph-quota.ts';

/** What a tenant may open, or why it may not. `maxGraphs` undefined: nobody asks. */
type Admission = { maxGraphs?: number; refusal?: Refusal };

/** Asks whether a tenant may open paid operations. Whether anyone is asked at all is a feature flag. */
export class PaymentGate {
  readonly #accounts: Pick<AccountStore, 'get'>;
  readonly #quota: Pick<GraphQuota, 'count'>;
  readonly #flags: Pick<FlagStore, 'get'>;

  constructor(accounts: Pick<AccountStore, 'get'>, quota: Pick<GraphQuota, 'count'>, flags: Pick<FlagStore, 'get'>) {
    this.#accounts = accounts;
    this.#quota = quota;
    this.#flags = flags;
  }

  /**
   * For commands that cost something.
   * @throws {Refusal} `payment_required` when the tenant has no live subscription
   */
  async check(tenantId: string): Promise<void> {
    if ((await this.#flags.get()).paymentGate && !isPaying(await this.#accounts.get(tenantId))) throw unpaid();
  }

  /**
   * For a new graph: also whether the tenant has room for it. The answer to the second is sure only in the workflow, which
   * asks again by one conditional write; so it is told how many there may be.
   */
  async admitGraph(tenantId: string): Promise<Admission> {
    if (!(await this.#flags.get()).paymentGate) return {};
    const [account, count] = await Promise.all([this.#accounts.get(tenantId), this.#quota.count(tenantId)]);
    if (!isPaying(account)) return { refusal: unpaid() };
    const maxGraphs = graphsAllowed(account);
    return count < maxGraphs ? { maxGraphs } : { refusal: noMoreGraphs(maxGraphs) };
  }
}

export const noMoreGraphs = (maxGraphs: number): Refusal =>
  new Refusal('limit_reached', `The plan allows ${maxGraphs} graphs; delete one, or take a larger plan.`);

const unpaid = (): Refusal =>
  new Refusal('payment_required', 'There is no live subscription; subscribe, or pay what is due, and ask again.');
