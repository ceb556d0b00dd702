import type { WaitingTasks } from '../operation/waiting-tasks.ts';
import { isDrained, type LeaseKind, leaseIdFor, type Occupancy, tombstonesToPrune } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';

/** So many tombstones go together, or few more, so that hardly a release is more than one write. */
const PRUNED_AT_ONCE = 32;

/** How operations come to hold instances and let them go. */
export class Leases {
  readonly #store: LeaseStore;
  readonly #tasks: WaitingTasks;
  readonly #now: () => Date;

  constructor(store: LeaseStore, tasks: WaitingTasks, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#tasks = tasks;
    this.#now = now;
  }

  /**
   * Holds an instance for an operation. Repeating it is harmless.
   * @throws {Failure} as {@link LeaseStore.acquire}
   */
  async acquire(instanceId: string, operationId: string, kind: LeaseKind, holding = 1): Promise<Occupancy> {
    const leaseId = leaseIdFor(operationId, holding);
    return this.#store.acquire(instanceId, { leaseId, kind, acquiredAt: this.#now().toISOString() });
  }

  /** Lets an instance go, and wakes who waits for it to be idle. Repeating it is harmless, and wakes again. */
  async release(instanceId: string, leaseId: string): Promise<void> {
    const now = this.#now().toISOString();
    const instance = await this.#store.release(instanceId, leaseId, now);
    if (instance === undefined) return;
    if (isDrained(instance) && instance.drain?.taskToken) await this.#tasks.succeed(instance.drain.taskToken);
    // Each release finds another number of them, so that one release in so many looks after all.
    if (Object.keys(instance.ended).length % PRUNED_AT_ONCE > 0) return;
    await this.#store.prune(instanceId, tombstonesToPrune(instance.ended, now).slice(-3 * PRUNED_AT_ONCE));
  }
}
