import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { nextTurn, type RotationStore } from '../reconciliation/rotation.ts';
import { operationIdOfLease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import type { Leases } from './leases.ts';

/**
 * Ends the leases that their operations left behind. The only proof that nobody needs a lease is an operation's log that
 * has come to its end; however old a lease is, it tells nothing.
 */
export class LeaseReaper {
  readonly #store: LeaseStore;
  readonly #leases: Leases;
  readonly #log: OperationLog;

  constructor(store: LeaseStore, leases: Leases, log: OperationLog) {
    this.#store = store;
    this.#leases = leases;
    this.#log = log;
  }

  /** Looks at the next `limit` instances. One that can not be looked at now does not hold up others. */
  async takeTurn(rotations: RotationStore, limit: number): Promise<{ reaped: number; failed: number }> {
    const count = { reaped: 0, failed: 0 };
    for (const { instanceId } of await nextTurn(rotations, 'leases', limit, (page) => this.#store.list(page))) {
      await this.reap(instanceId).then(
        (reaped) => (count.reaped += reaped.length),
        () => (count.failed += 1),
      );
    }
    return count;
  }

  /** Ends what is left behind on one instance. @returns the ended leases */
  async reap(instanceId: string): Promise<string[]> {
    const reaped: string[] = [];
    for (const leaseId of await this.leasesOn(instanceId)) {
      if (await this.reapIfOver(instanceId, leaseId)) reaped.push(leaseId);
    }
    return reaped;
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
