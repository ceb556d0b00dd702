import type { Drain } from '../lease/drain.ts';
import type { FleetTier } from './tier.ts';

/** `LAUNCHING`: its name is taken, and it has not registered yet. */
export const INSTANCE_STATES = ['LAUNCHING', 'ACTIVE', 'DRAINING', 'CYCLING', 'QUARANTINED'] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** A graph instance: one ECS service of one task. */
export type Instance = {
  instanceId: string;
  tier: FleetTier;
  state: InstanceState;
  /** Counts the cycles of the instance; work that was handed out to an earlier one is refused. */
  generation: number;
  /** Base URL of the instance's HTTP service, reachable from inside the network only. */
  endpoint: string;
  image: string;
  /** The ECS task that registered last. */
  taskArn: string;
  capacity: number;
  used: number;
  heartbeatAt: string;
  /** How many operations are at work on it. */
  busyCount: number;
  /** Who closed its gate, and waits for it or cycles it. */
  drain: Drain | null;
  /** The operation that launched it; `taskToken` while its workflow waits for the instance to register. */
  launch: { operationId: string; taskToken: string | null } | null;
  /** Why it is `QUARANTINED`; one that was only `silent` is taken back when it is heard of. */
  quarantineReason: QuarantineReason | null;
};

export type QuarantineReason = 'silent' | 'launch_failed' | 'cycle_failed';

/** The instance that a change of state is about; the tier, because instances are listed by tier and state. */
export type InstancePlace = Pick<Instance, 'instanceId' | 'tier'>;

/** What a task says of itself when it starts; the generation is the one that it was started for. */
export type InstanceRegistration = Pick<
  Instance,
  'instanceId' | 'tier' | 'endpoint' | 'image' | 'taskArn' | 'capacity' | 'generation'
>;

/** Where instances are kept. Each method is one read or one conditional write on the instance's item. */
export interface InstanceStore {
  /**
   * Claims the item for a task. Slots and leases of an item that exists stay as they are, and so does its state, unless
   * it was launching or silent: then it is active from here on.
   * @returns undefined when the instance is of a later generation: the task is a leftover
   */
  register(registration: InstanceRegistration, at: string): Promise<Instance | undefined>;
  /** False when another task has registered since: this one is a leftover. An instance that was silent is active again. */
  heartbeat(instanceId: string, taskArn: string, at: string): Promise<boolean>;
  get(instanceId: string): Promise<Instance | undefined>;
  /** The instances of a tier that are in a state. The index may lag behind. */
  listByTier(tier: FleetTier, state: InstanceState): Promise<Instance[]>;
  /** All instances of a tier. The index may lag behind. */
  listAll(tier: FleetTier): Promise<Instance[]>;
  /** Puts an active instance in quarantine for silence, if nothing was heard of it since it was read. */
  quarantineSilent(instance: Instance): Promise<boolean>;
  /**
   * Takes the slot of a graph for an operation; repeating it is harmless.
   * False when the instance is full or not active.
   */
  takeSlot(instanceId: string, graphId: string, operationId: string): Promise<boolean>;
  /** Frees the slot that an operation took; one that it does not hold is free already. */
  freeSlot(instanceId: string, graphId: string, operationId: string): Promise<void>;
  /** The operation that holds each graph's slot. */
  readSlots(instanceId: string): Promise<Record<string, string>>;
}
