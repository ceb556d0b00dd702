import type { InstancePlace } from '../fleet/instance.ts';
import { isTerminal, type OperationKind } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { DrainedByOther, type NewDrain } from './drain.ts';
import { operationIdOfLease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import type { Occupancy } from './occupancy.ts';

/** Drains by operations. One that its operation has left behind is taken over by the next. */
export class OperationDrains {
  readonly #store: LeaseStore;
  readonly #log: Pick<OperationLog, 'find'>;
  readonly #kind: OperationKind;

  constructor(store: LeaseStore, log: Pick<OperationLog, 'find'>, kind: OperationKind) {
    this.#store = store;
    this.#log = log;
    this.#kind = kind;
  }

  /**
   * Closes the gate, or has it closed: that of an operation which is over is taken over, with its cycle if it was claimed
   * by one of the same kind. A retirement's cycle ends the instance, and a refresh has nothing to do with it.
   * @throws {Failure} as {@link LeaseStore.beginDrain}
   */
  async begin(place: InstancePlace, drain: NewDrain): Promise<Occupancy> {
    try {
      return await this.#store.beginDrain(place, drain);
    } catch (error) {
      if (!(error instanceof DrainedByOther) || error.owner === undefined) throw error;
      // The same proof that ends a lease: the log of the operation has come to its end.
      const owner = await this.#log.find(operationIdOfLease(error.owner));
      if (owner === undefined || !isTerminal(owner.status)) throw error;
      if (owner.kind !== this.#kind && (await this.#store.get(place.instanceId))?.state !== 'DRAINING') throw error;
      const { done, instance } = await this.#store.adopt(place, error.owner, drain);
      if (!done) throw error;
      return instance;
    }
  }
}
