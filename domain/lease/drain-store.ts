import type { InstancePlace } from '../fleet/instance.ts';
import type { NewDrain } from './drain.ts';
import type { Occupancy } from './occupancy.ts';

/** Whether it is so now, by this call or by an earlier one of the same owner, and the instance as it is. */
export type Attempt = { done: boolean; instance: Occupancy };

/** What a new task must have shown before its instance is opened again. */
export type Readiness = {
  /** The wanted image. */
  image: string;
  /** It was heard of then, or later. */
  heardSince: string;
};

/**
 * Who may cycle which instance. Each method is one conditional write on the instance's item, followed by reads only when
 * its condition does not hold. Every one can be repeated, come late, or come after the one that takes it back: an ended
 * lease or drain leaves a tombstone, so that its late beginning changes nothing.
 * @throws {InstanceGone} each: there is no such instance
 */
export interface DrainStore {
  /**
   * Closes the gate.
   * @throws {DrainedByOther} another closed it; it can be asked again
   * @throws {InstanceDraining} the instance is not in use; it can be asked again
   * @throws {HoldingEnded} this drain was there, or was given up before it was
   */
  beginDrain(place: InstancePlace, drain: NewDrain): Promise<Occupancy>;
  /**
   * Takes over the drain of an owner who is over, with the cycle if it was claimed, which begins another generation then.
   * Done: it is the new owner's; how far it is, the instance says.
   */
  adopt(place: InstancePlace, from: string, drain: NewDrain): Promise<Attempt>;
  /** Names the task that the last lease wakes. Done: the drain waits; whether it has to, the instance says. */
  awaitIdle(place: InstancePlace, owner: string, taskToken: string): Promise<Attempt>;
  /** Takes a drained instance for its cycle: from here it is reopened or quarantined, not undrained. */
  claimCycle(place: InstancePlace, owner: string): Promise<Attempt>;
  /** The same with work on it, which is cut off: its leases end, and the generation that it was handed out for. */
  forceCycle(place: InstancePlace, owner: string, at: string): Promise<Attempt>;
  /** Names the task that the registration of a new one wakes. Done: the instance is in its cycle still. */
  awaitTask(place: InstancePlace, owner: string, taskToken: string): Promise<Attempt>;
  /**
   * Turns a cycle back that has failed: begins another generation, for a task as the one before the cycle, and keeps
   * those of the cycle from registering. Done: it is turned back. Not done: the instance is not in this cycle.
   */
  turnBack(place: InstancePlace, owner: string, at: string): Promise<Attempt>;
  /** Opens the gate when another task than before the cycle is ready. Not done: it is not there yet. */
  reopen(place: InstancePlace, owner: string, readiness: Readiness, at: string): Promise<Attempt>;
  /**
   * Opens the gate again, also of a drain that has not begun: it never will then. Done as well when the instance is gone
   * from this drain. Not done: the cycle is claimed, and has to go on.
   */
  undrain(place: InstancePlace, owner: string, at: string): Promise<Attempt>;

  /** Takes an instance out of use whose cycle brought up no healthy task: no work, no cycling. */
  quarantine(place: InstancePlace, owner: string, at: string): Promise<Attempt>;
  /** Takes an instance in quarantine back into use, if it was heard of since. */
  recover(place: InstancePlace, heardSince: string): Promise<Attempt>;
}
