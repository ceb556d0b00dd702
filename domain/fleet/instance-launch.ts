import type { Instance } from './instance.ts';
import type { FleetTier } from './tier.ts';

/** What an operation of kind `instance.launch` is asked for. */
export type LaunchRequest = { instanceId: string; tier: FleetTier };

/** What an operation has to claim: the name of an instance, for itself. */
export type LaunchClaim = LaunchRequest & { operationId: string; capacity: number };

/** The launches of instances. Each method is one conditional write on the instance's own item. */
export interface InstanceLaunchStore {
  /** Takes the name of an instance that is not there, for an operation that is to launch it. False: it is taken. */
  claim(claim: LaunchClaim, at: string): Promise<boolean>;
  /**
   * Leaves the token of a workflow that waits until the instance registers.
   * @returns the instance as it is then; undefined when another operation launches it, or none
   */
  awaitRegistration(instanceId: string, operationId: string, taskToken: string): Promise<Instance | undefined>;
  /** Forgets the token. */
  end(instanceId: string, operationId: string): Promise<void>;
  /** Closes an instance to graphs, if it has none. False: it has some, or another operation launched it. */
  giveUp(launch: LaunchRequest & { operationId: string }): Promise<boolean>;
  /** Removes the item of an instance that was given up. */
  remove(instanceId: string, operationId: string): Promise<void>;
}
