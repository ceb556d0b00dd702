import { Refusal } from '../failure.ts';
import type { FlagStore } from '../flags/feature-flags.ts';
import { type AccountStore, graphsAllowed, isPaying } from './account.ts';
import type { GraphQuota } from './graph-quota.ts';

/** What a tenant may open, or why it may not. `maxGraphs` undefined: nobody asks. */
type Admission = { maxGraphs?: number; refusal?: Refusal };

const KNOWN_FOR_MS = 2_000;
/** More graphs than a tenant can add while a count is known. */
const FAR_FROM_LIMIT = 1_000;

/** Asks whether a tenant may open paid operations. Whether anyone is asked at all is a feature flag. */
export class PaymentGate {
  readonly #accounts: Pick<AccountStore, 'get'>;
  readonly #quota: Pick<GraphQuota, 'count'>;
  readonly #flags: Pick<FlagStore, 'get'>;
  readonly #now: () => number;
  readonly #counts = new Map<string, { count: number; until: number }>();

  constructor(
    accounts: Pick<AccountStore, 'get'>,
    quota: Pick<GraphQuota, 'count'>,
    flags: Pick<FlagStore, 'get'>,
    now: () => number = Date.now,
  ) {
    this.#accounts = accounts;
    this.#quota = quota;
    this.#flags = flags;
    this.#now = now;
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
    const account = await this.#accounts.get(tenantId);
    if (!isPaying(account)) return { refusal: unpaid() };
    const maxGraphs = graphsAllowed(account);
    const count = await this.#countOf(tenantId, maxGraphs);
    return count < maxGraphs ? { maxGraphs } : { refusal: noMoreGraphs(maxGraphs) };
  }

  /** Far from the limit as it was up to 2 s ago: the set of a tenant that may have many is long to read. */
  async #countOf(tenantId: string, maxGraphs: number): Promise<number> {
    const known = this.#counts.get(tenantId);
    if (known !== undefined && this.#now() < known.until && known.count < maxGraphs - FAR_FROM_LIMIT)
      return known.count;
    const count = await this.#quota.count(tenantId);
    this.#counts.set(tenantId, { count, until: this.#now() + KNOWN_FOR_MS });
    return count;
  }
}

export const noMoreGraphs = (maxGraphs: number): Refusal =>
  new Refusal('limit_reached', `The plan allows ${maxGraphs} graphs; delete one, or take a larger plan.`);

const unpaid = (): Refusal =>
  new Refusal('payment_required', 'There is no live subscription; subscribe, or pay what is due, and ask again.');
