import { Refusal } from '../failure.ts';
import { NO_HOLDING, type OperationEvent } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { WaitingTasks } from '../operation/waiting-tasks.ts';
import type { Page, PageRequest } from '../page.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import { operationIdOfLease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import type { Occupancy } from './occupancy.ts';

/** An operation that waits until an instance takes work again. */
export type InstanceWait = { instanceId: string; operationId: string; taskToken: string; since: string };

/** Where they are kept: an item for each, beside the instance. */
export interface InstanceWaitStore {
  /** The one before of the same operation is replaced. */
  put(wait: InstanceWait): Promise<void>;
  /** Repeating it is harmless. @param taskToken only if it waits by this one still */
  remove(instanceId: string, operationId: string, taskToken?: string): Promise<void>;
  /** Those that have waited longest first. Read consistently. */
  list(instanceId: string, limit: number): Promise<InstanceWait[]>;
  /** All there are. The index may lag behind. */
  listAll(page: PageRequest): Promise<Page<InstanceWait>>;
}

type Parts = { waits: InstanceWaitStore; leases: LeaseStore; operations: OperationLog; tasks: WaitingTasks };

const READ_AT_ONCE = 25;
/** By one call; whoever is left is woken by the schedule. */
const MOST_WOKEN = 1_000;

/**
 * Lets operations wait for an instance whose gate is closed. Whoever waits writes that, and then looks at the gate;
 * whoever opens the gate opens it, and then wakes who waits: so one of both sees the other. The log says `queued` before
 * anybody can wake the operation, so that it is not turned back when it goes on.
 */
export class InstanceWaits {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /**
   * Has the operation wait, as `queued`, until the instance is open. One that holds the instance, because another try of
   * its is at work there, is not turned back. If it need not wait, the log is told that its work is to be handed out again.
   * @throws {Refusal} `operation_over` when it does not go forward any more
   */
  async enter(instanceId: string, last: OperationEvent, taskToken: string): Promise<void> {
    const { waits, leases, operations, tasks } = this.#parts;
    const { operationId } = last;
    const instance = await leases.get(instanceId);
    if (!isClosed(instance) || isHeldBy(instance, operationId)) {
      // The step is entered anew, and must know that an earlier try may be at work still.
      const message = `There is no need to wait for ${instanceId}`;
      await operations.append(operationId, { type: 'progress', message, holding: NO_HOLDING }, last);
      return tasks.succeed(taskToken);
    }
    const message = `Waiting for ${instanceId}, which is ${instance.state.toLowerCase()}`;
    const detail = { waitsFor: { instance: instanceId, state: instance.state, since: instance.drain?.since ?? null } };
    await operations.append(operationId, { type: 'progress', status: 'queued', message, detail }, last);
    await waits.put({ instanceId, operationId, taskToken, since: this.#now().toISOString() });
    const { status } = await operations.last(operationId);
    if (status !== 'queued') {
      // Undone meanwhile, and its undo may have looked here before.
      await waits.remove(instanceId, operationId, taskToken);
      throw new Refusal('operation_over', `The operation is ${status}; it does not wait.`);
    }
    if (!isClosed(await leases.get(instanceId))) await this.#wake({ instanceId, operationId, taskToken });
  }

  /** Takes an operation back that does not wait any more. Repeating it is harmless. */
  async leave(instanceId: string, operationId: string): Promise<void> {
    await this.#parts.waits.remove(instanceId, operationId);
  }

  /** Wakes those that wait for an instance which is open now. Repeating it is harmless. @returns how many */
  async wake(instanceId: string): Promise<number> {
    let woken = 0;
    // Bounded: should the gate close meanwhile they come to wait anew.
    while (woken < MOST_WOKEN) {
      const waiting = await this.#parts.waits.list(instanceId, READ_AT_ONCE);
      await Promise.all(waiting.map((wait) => this.#wake(wait)));
      woken += waiting.length;
      if (waiting.length < READ_AT_ONCE) break;
    }
    return woken;
  }

  /** Looks after the next `limit` waits: those whose instance is open, or gone, were not woken by who opened it. */
  async takeTurn(rotations: RotationStore, limit: number): Promise<number> {
    const { waits, leases } = this.#parts;
    let woken = 0;
    for (const wait of await nextTurn(rotations, 'instance-waits', limit, (page) => waits.listAll(page))) {
      if (isClosed(await leases.get(wait.instanceId))) continue;
      await this.#wake(wait);
      woken += 1;
    }
    return woken;
  }

  async #wake({ instanceId, operationId, taskToken }: Omit<InstanceWait, 'since'>): Promise<void> {
    await this.#parts.tasks.succeed(taskToken);
    await this.#parts.waits.remove(instanceId, operationId, taskToken);
  }
}

/** One that is gone keeps nobody waiting: whoever wants it hears so. */
const isClosed = (instance: Occupancy | undefined): instance is Occupancy =>
  instance !== undefined && instance.state !== 'ACTIVE';

const isHeldBy = ({ leases }: Occupancy, operationId: string): boolean =>
  Object.keys(leases).some((leaseId) => operationIdOfLease(leaseId) === operationId);
