import type { InstancePlace } from '../fleet/instance.ts';
import type { Page, PageRequest } from '../page.ts';
import type { DrainStore } from './drain-store.ts';
import type { Lease } from './lease.ts';
import type { Occupancy } from './occupancy.ts';

/** Who is at work on which instance besides: of the same items, and with the same promises. */
export interface LeaseStore extends DrainStore {
  /**
   * Counts an operation as busy on an instance, unless it is already.
   * @throws {InstanceDraining} the gate is closed; it can be asked again
   * @throws {InstanceFull} too many are at work there; it can be asked again
   * @throws {HoldingEnded} this lease was there, or was given up before it was
   */
  acquire(instanceId: string, lease: Lease): Promise<Occupancy>;
  /**
   * Ends a lease, also one that has not begun: it never will then. An instance that is gone holds none.
   * @returns the instance as it is then; when it {@link isDrained}, its drain is to be woken
   */
  release(instanceId: string, leaseId: string, at: string): Promise<Occupancy | undefined>;
  /**
   * Makes sure that a lease is held, on the instance as it was when the work was handed out.
   * @throws {LeaseLost} it is not: the work must stop
   */
  confirm(instanceId: string, leaseId: string, generation: number): Promise<Occupancy>;

  /** Read consistently. */
  get(instanceId: string): Promise<Occupancy | undefined>;
  /** Every instance, by tier and state; a page can be short, or empty, and have a cursor. The index may lag behind. */
  list(page: PageRequest): Promise<Page<InstancePlace>>;
  /** Forgets tombstones. */
  prune(instanceId: string, ended: readonly string[]): Promise<void>;
}
