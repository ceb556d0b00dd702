import { Refusal } from '../failure.ts';
import type { NewDrain } from '../lease/drain.ts';
import type { Instance, InstancePlace } from './instance.ts';
import type { FleetTier, Tier } from './tier.ts';

/** What an operation of kind `instance.retire` is asked for. */
export type RetireRequest = {
  instanceId: string;
  tier: FleetTier;
  /** The tiers that nobody refreshes meanwhile, nor retires another instance of. */
  tiers: readonly [FleetTier];
  reason: string;
  /** How long it may wait for the work on the instance to end, from the closing of its gate. */
  maxWaitMinutes: number;
};

/** The ends of instances. Each method is one conditional write on the instance's own item. */
export interface InstanceRetirementStore {
  /** Drains an instance that is in quarantine, where no gate is open. False: it is not, or this drain has ended. */
  drainQuarantined(place: InstancePlace, drain: NewDrain): Promise<boolean>;
  /** Takes such a drain back: the instance is in quarantine again, for the reason that it was. Repeating it is harmless. */
  requarantine(place: InstancePlace, owner: string, at: string): Promise<void>;
  /**
   * Removes an instance that is in its owner's cycle, and holds neither graphs nor leases. Repeating it is harmless.
   * @returns whether it is gone, or another's
   */
  remove(instanceId: string, owner: string): Promise<boolean>;
  /**
   * Notes that an instance is empty, unless that is noted: whoever takes a slot there removes the note.
   * @returns since when it is; undefined when it holds something, or is not in use
   */
  noteEmpty(instanceId: string, at: string): Promise<string | undefined>;
  /** Notes it anew, as of a later time. */
  renewEmpty(instanceId: string, since: string, at: string): Promise<void>;
}

/** Why a tier can not do without one of its instances, if it can not. Those in quarantine are no help. */
export const refusalToRetire = (
  { tier, minInstances }: Tier,
  ofTier: readonly Instance[],
  instanceId: string,
): Refusal | undefined => {
  const others = ofTier.filter((other) => other.instanceId !== instanceId && other.state !== 'QUARANTINED');
  if (others.length >= minInstances) return undefined;
  const message = `Without "${instanceId}" the tier "${tier}" has ${others.length} of its at least ${minInstances} instances.`;
  return new Refusal('conflict', `${message} Launch another first, or lower the minimum.`);
};
