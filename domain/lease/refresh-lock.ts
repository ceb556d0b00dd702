import { Refusal } from '../failure.ts';
import type { FleetTier } from '../fleet/tier.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';

/** Where the locks of the tiers are kept. Each method is one conditional write, or one read. */
export interface RefreshLockStore {
  /** Gives the lock to an operation: when nobody has it, when it has it already, or when `after` does. */
  take(tier: FleetTier, operationId: string, at: string, after?: string): Promise<boolean>;
  /** Frees it, if the operation has it. */
  free(tier: FleetTier, operationId: string): Promise<void>;
  /** The operation that has it. Read consistently. */
  holder(tier: FleetTier): Promise<string | undefined>;
}

/** One refresh of a tier at a time. A refresh that is over has no hold on the lock, even if it did not free it. */
export class RefreshLock {
  readonly #store: RefreshLockStore;
  readonly #log: OperationLog;
  readonly #now: () => Date;

  constructor(store: RefreshLockStore, log: OperationLog, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#log = log;
    this.#now = now;
  }

  /**
   * Takes the lock for a refresh. Repeating it is harmless.
   * @throws {Refusal} `conflict`, with the id of the refresh that is under way
   */
  async take(tier: FleetTier, operationId: string): Promise<void> {
    const at = this.#now().toISOString();
    for (;;) {
      if (await this.#store.take(tier, operationId, at)) return;
      const holder = await this.#store.holder(tier);
      if (holder === undefined || holder === operationId) continue;
      const first = await this.#log.find(holder);
      if (first !== undefined && !isTerminal(first.status)) {
        throw new Refusal('conflict', `"${holder}" is changing the tier "${tier}" already.`, { operationId: holder });
      }
      if (await this.#store.take(tier, operationId, at, holder)) return;
    }
  }

  /** Repeating it is harmless. */
  async free(tier: FleetTier, operationId: string): Promise<void> {
    await this.#store.free(tier, operationId);
  }
}
