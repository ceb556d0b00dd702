import type { WaitingTasks } from '../operation/waiting-tasks.ts';
import { holdingOfLease, type LeaseKind, leaseIdFor, operationIdOfLease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import { HoldingEnded, InstanceDraining, isDrained, type Occupancy, tombstonesToPrune } from './occupancy.ts';

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

  /**
   * Holds an instance for a try of an operation's work, in the place of its earlier tries: they are over, or are taken
   * for lost. While the instance drains, the newest earlier holding is kept instead: its work may be going on all the
   * same, and must not be cycled; handed over again it goes on, or is done anew within the drain.
   * @returns what it is held by; undefined when this try is over, or a later one holds the instance: it comes late
   * @throws {Failure} as {@link LeaseStore.acquire}
   */
  async acquireInTurn(
    instanceId: string,
    operationId: string,
    kind: LeaseKind,
    holding: number,
  ): Promise<{ instance: Occupancy; holding: number } | undefined> {
    try {
      const instance = await this.acquire(instanceId, operationId, kind, holding);
      if (!holdingsIn(instance, operationId).some((other) => other > holding)) {
        await this.#releaseEarlier(instance, operationId, holding);
        return { instance, holding };
      }
      await this.release(instanceId, leaseIdFor(operationId, holding));
      return undefined;
    } catch (error) {
      if (error instanceof HoldingEnded) return undefined;
      if (!(error instanceof InstanceDraining)) throw error;
      return this.#heldWhileDraining(instanceId, operationId, holding, error);
    }
  }

  /** Lets go what an operation holds of an instance since before one of its holdings. Repeating it is harmless. */
  async releaseEarlier(instanceId: string, operationId: string, holding: number): Promise<void> {
    const instance = await this.#store.get(instanceId);
    if (instance !== undefined) await this.#releaseEarlier(instance, operationId, holding);
  }

  /** Lets go whatever an operation holds of an instance. Repeating it is harmless. */
  async releaseAll(instanceId: string, operationId: string): Promise<void> {
    await this.releaseEarlier(instanceId, operationId, Number.POSITIVE_INFINITY);
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

  async #heldWhileDraining(
    instanceId: string,
    operationId: string,
    holding: number,
    closed: InstanceDraining,
  ): Promise<{ instance: Occupancy; holding: number } | undefined> {
    const instance = await this.#store.get(instanceId);
    const held = instance === undefined ? [] : holdingsIn(instance, operationId);
    const newest = Math.max(...held);
    if (newest > holding) return undefined;
    if (instance?.state === 'DRAINING' && held.length > 0) return { instance, holding: newest };
    if (instance !== undefined) await this.#releaseEarlier(instance, operationId, holding);
    throw closed;
  }

  async #releaseEarlier(instance: Occupancy, operationId: string, holding: number): Promise<void> {
    for (const other of holdingsIn(instance, operationId)) {
      if (other < holding) await this.release(instance.instanceId, leaseIdFor(operationId, other));
    }
  }
}

const holdingsIn = ({ leases }: Pick<Occupancy, 'leases'>, operationId: string): number[] =>
  Object.keys(leases)
    .filter((leaseId) => operationIdOfLease(leaseId) === operationId)
    .map(holdingOfLease);
