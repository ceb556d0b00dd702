import { heardSince } from '../fleet/heartbeat.ts';
import type { InstancePlace } from '../fleet/instance.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import { operationIdOfLease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import type { Leases } from './leases.ts';

/**
 * Ends the leases and the drains that their operations left behind. The only proof that nobody needs one is an operation's
 * log that has come to its end; however old it is, that tells nothing.
 */
export class LeaseReaper {
  readonly #store: LeaseStore;
  readonly #leases: Leases;
  readonly #log: OperationLog;
  readonly #now: () => Date;

  constructor(store: LeaseStore, leases: Leases, log: OperationLog, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#leases = leases;
    this.#log = log;
    this.#now = now;
  }

  /**
   * Looks at the next `limit` instances. One that can not be looked at now does not hold up others.
   * @returns `oldestMs`: the age of the oldest lease that is left on them
   */
  async takeTurn(
    rotations: RotationStore,
    limit: number,
  ): Promise<{ reaped: number; opened: number; failed: number; oldestMs: number }> {
    const count = { reaped: 0, opened: 0, failed: 0, oldestMs: 0 };
    for (const place of await nextTurn(rotations, 'leases', limit, (page) => this.#store.list(page))) {
      try {
        count.reaped += (await this.reap(place.instanceId)).length;
        count.opened += (await this.openIfLeft(place)) ? 1 : 0;
        count.oldestMs = Math.max(count.oldestMs, await this.#oldestOn(place.instanceId));
      } catch {
        count.failed += 1;
      }
    }
    return count;
  }

  /**
   * Opens the gate that an operation which is over left closed; after its cycle only if the new task is there. An undo that
   * failed is not over: it is taken up again. Whoever waits for the instance is woken by who looks after waits.
   */
  async openIfLeft({ instanceId, tier }: InstancePlace): Promise<boolean> {
    const { drain = null, image = '' } = (await this.#store.get(instanceId)) ?? {};
    if (drain === null) return false;
    const operation = await this.#log.find(operationIdOfLease(drain.owner));
    if (operation === undefined || !isTerminal(operation.status) || operation.status === 'compensation_failed')
      return false;
    const [place, now] = [{ instanceId, tier }, this.#now()];
    const { done } = await this.#store.undrain(place, drain.owner, now.toISOString());
    if (done) return true;
    return (await this.#store.reopen(place, drain.owner, { image, heardSince: heardSince(now) }, now.toISOString()))
      .done;
  }

  /** Ends what is left behind on one instance. @returns the ended leases */
  async reap(instanceId: string): Promise<string[]> {
    const reaped: string[] = [];
    for (const leaseId of await this.leasesOn(instanceId)) {
      if (await this.reapIfOver(instanceId, leaseId)) reaped.push(leaseId);
    }
    return reaped;
  }

  async #oldestOn(instanceId: string): Promise<number> {
    const { leases = {} } = (await this.#store.get(instanceId)) ?? {};
    const now = this.#now().getTime();
    return Math.max(0, ...Object.values(leases).map(({ acquiredAt }) => now - Date.parse(acquiredAt)));
  }

  async leasesOn(instanceId: string): Promise<string[]> {
    return Object.keys((await this.#store.get(instanceId))?.leases ?? {});
  }

  /** Ends a lease if its operation is over. */
  async reapIfOver(instanceId: string, leaseId: string): Promise<boolean> {
    const operation = await this.#log.find(operationIdOfLease(leaseId));
    if (operation === undefined || !isTerminal(operation.status)) return false;
    await this.#leases.release(instanceId, leaseId);
    return true;
  }
}
