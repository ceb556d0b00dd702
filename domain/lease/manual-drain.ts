import { Refusal } from '../failure.ts';
import { heardSince } from '../fleet/heartbeat.ts';
import type { InstancePlace } from '../fleet/instance.ts';
import { operationIdOfLease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import { InstanceDraining, InstanceGone, type Occupancy } from './occupancy.ts';

const MANUAL = 'manual-';

/** Whether a drain is a person's. */
export const isManualDrain = (owner: string): boolean => owner.startsWith(MANUAL);

/**
 * Drains by a person, who ends them too. They are no operations: nothing follows of themselves, and an operation's drain
 * ends with the operation.
 */
export class ManualDrains {
  readonly #store: LeaseStore;
  readonly #newId: () => string;
  readonly #now: () => Date;

  constructor(store: LeaseStore, newId: () => string, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#newId = newId;
    this.#now = now;
  }

  /**
   * Closes the gate. One that a person closed stays as it is.
   * @throws {Refusal} `conflict` when an operation drains it, or it is not in use; `not_found`
   */
  async begin(instanceId: string, reason: string): Promise<Occupancy> {
    const instance = await this.#find(instanceId);
    if (instance.drain !== null && isManualDrain(instance.drain.owner)) return instance;
    refuseUnlessOpen(instance);
    const drain = { owner: `${MANUAL}${this.#newId()}.1`, reason, since: this.#now().toISOString() };
    return this.#store.beginDrain(instance, drain).catch(async (error: unknown) => {
      if (!(error instanceof InstanceDraining)) throw error;
      const now = await this.#find(instanceId);
      refuseUnlessOpen(now);
      return now;
    });
  }

  /**
   * Opens the gate that a person closed, or takes an instance back into use that came out of its cycle after all; one that
   * is open stays so.
   * @returns the instance; whoever waits for it is to be woken
   * @throws {Refusal} `conflict` when an operation drains or cycles it, or it is silent; `not_found`
   */
  async end(instanceId: string): Promise<Occupancy> {
    const instance = await this.#find(instanceId);
    if (instance.state === 'QUARANTINED') return this.#recover(instance);
    if (instance.drain === null) return instance;
    if (!isManualDrain(instance.drain.owner)) throw drainedByOperation(instance);
    return (await this.#store.undrain(placeOf(instance), instance.drain.owner, this.#now().toISOString())).instance;
  }

  async #recover(quarantined: Occupancy): Promise<Occupancy> {
    const { done, instance } = await this.#store.recover(placeOf(quarantined), heardSince(this.#now()));
    if (done) return instance;
    throw new Refusal('conflict', `"${instance.instanceId}" is in quarantine, and was not heard of since.`);
  }

  async #find(instanceId: string): Promise<Occupancy> {
    const instance = await this.#store.get(instanceId);
    if (instance === undefined) throw new Refusal('not_found', new InstanceGone(instanceId).message);
    return instance;
  }
}

const placeOf = ({ instanceId, tier }: Occupancy): InstancePlace => ({ instanceId, tier });

const refuseUnlessOpen = (instance: Occupancy): void => {
  if (instance.drain !== null) throw drainedByOperation(instance);
  if (instance.state === 'ACTIVE') return;
  throw new Refusal('conflict', `The instance "${instance.instanceId}" is ${instance.state.toLowerCase()}.`);
};

const drainedByOperation = ({ instanceId, drain }: Occupancy): Refusal => {
  const operationId = operationIdOfLease(drain?.owner ?? '');
  const message = `The operation "${operationId}" drains "${instanceId}"; cancel it to have the gate opened.`;
  return new Refusal('conflict', message, { operationId });
};
