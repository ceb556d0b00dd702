import { Refusal, Retryable, Terminal } from '../failure.ts';
import type { Instance } from '../fleet/instance.ts';

/** The work that makes an instance busy. */
export const LEASE_KINDS = [
  'provisioning',
  'materialization',
  'bulk_table_create',
  'bulk_table_insert',
  'fork',
  'backup',
  'restore',
  'snapshot_load',
] as const;
export type LeaseKind = (typeof LEASE_KINDS)[number];

/** An operation's holding of an instance. While it is held the instance is busy, and is not cycled. */
export type Lease = {
  /** `<operation>.<holding>`: a later holding of the operation has a higher number. */
  leaseId: string;
  kind: LeaseKind;
  acquiredAt: string;
};

/** The lease of an operation. An ended one never comes back: for more work the operation takes its next `holding`. */
export const leaseIdFor = (operationId: string, holding = 1): string => `${operationId}.${holding}`;

/**
 * The number of a holding that a workflow's state begins: each time that it is entered, and each time that it is tried
 * again, has a higher one, and the same try run twice has the same.
 */
export const holdingOf = (enteredAt: string, retry: number): number => Date.parse(enteredAt) * 1_000 + retry;

/** The number of a lease among its operation's. */
export const holdingOfLease = (leaseId: string): number => Number(leaseId.split('.')[1]);

/** The operation that a lease belongs to, or a drain by its owner. */
export const operationIdOfLease = (leaseId: string): string => leaseId.split('.')[0] ?? leaseId;

/** Closes the gate of an instance: what it holds ends, nothing new begins. */
export type Drain = {
  /** `<operation>.<n>`, as a lease: n counts the operation's drains of the instance. One that has ended never comes back. */
  owner: string;
  reason: string;
  since: string;
  /** The task to wake when the last lease ends, and once it is cycled, when the new task of the instance registers. */
  taskToken: string | null;
  /** Once it is cycled: the ECS task that is to be replaced. */
  taskBefore?: string;
  /** Once its cycle has failed: when it was turned back, to what the instance was before. */
  turnedBackAt?: string;
};

/** A drain as it begins. */
export type NewDrain = Pick<Drain, 'owner' | 'reason' | 'since'>;

/** What an instance holds, and whether its gate is open: one item, so that both are as of one moment. */
export type Occupancy = Pick<
  Instance,
  'instanceId' | 'tier' | 'state' | 'generation' | 'endpoint' | 'image' | 'taskArn' | 'heartbeatAt'
> & {
  /** By lease id. */
  leases: Readonly<Record<string, Omit<Lease, 'leaseId'>>>;
  /** The number of leases: written with them, to be listed without them. */
  busyCount: number;
  /** When each lease or drain ended, for those that ended lately. */
  ended: Readonly<Record<string, string>>;
  drain: Drain | null;
  /** The leases that the newest cycle cut off. */
  interrupted: Occupancy['leases'];
};

/** The instance is in the cycle of a drain. */
export const isCycledBy = ({ state, drain }: Occupancy, owner: string): boolean =>
  state === 'CYCLING' && drain?.owner === owner;

/** In its cycle, another task has registered than the one that is to be replaced. */
export const hasNewTask = ({ state, drain, taskArn }: Occupancy): boolean =>
  state === 'CYCLING' && drain?.taskBefore !== undefined && drain.taskBefore !== taskArn;

/** Who was heard of that lately is there: three heartbeats of 10 s. */
const FRESH_MS = 30_000;

/** The instant from which on an instance must have been heard of to be taken for ready. */
export const heardSince = (now: Date): string => new Date(now.getTime() - FRESH_MS).toISOString();

/** Nothing is held any more and nothing can begin. */
export const isDrained = ({ state, busyCount }: Occupancy): boolean => state === 'DRAINING' && busyCount === 0;

/** The leases that an instance can hold at once: they and the tombstones share an item, which has its largest size. */
export const MOST_LEASES = 128;

const TOMBSTONES_KEPT = 64;
const TOMBSTONE_KEPT_MS = 24 * 60 * 60 * 1_000;

/**
 * The tombstones that may go: of more than a day ago, and of more than the newest 64. Whatever could still bring such a
 * lease back would hold it until its operation ends, and no longer: then the reaper has the proof.
 */
export const tombstonesToPrune = (ended: Occupancy['ended'], now: string): string[] => {
  const keptSince = new Date(Date.parse(now) - TOMBSTONE_KEPT_MS).toISOString();
  const newestFirst = Object.entries(ended).sort(([, left], [, right]) => (left < right ? 1 : -1));
  return newestFirst.filter(([, at], place) => place >= TOMBSTONES_KEPT || at < keptSince).map(([id]) => id);
};

/** The gate is closed: the work can wait, and begins when the instance is back. Workflows have a wait of this name. */
export class InstanceDraining extends Retryable {
  override readonly name = 'InstanceDraining';

  constructor({ instanceId, state }: Pick<Occupancy, 'instanceId' | 'state'>) {
    super('instance_draining', `The instance "${instanceId}" takes no new work now; it is ${state.toLowerCase()}.`, {
      delaySeconds: 5,
    });
  }
}

/** The instance holds as many leases as it can. */
export class InstanceFull extends Retryable {
  constructor(instanceId: string) {
    super('at_capacity', `The instance "${instanceId}" has ${MOST_LEASES} operations at work.`, { delaySeconds: 5 });
  }
}

/** There is no such instance: waiting does not help. */
export class InstanceGone extends Terminal {
  constructor(instanceId: string) {
    super('not_found', `There is no instance "${instanceId}".`);
  }
}

/** The lease or the drain has ended: whoever asks for it comes late. */
export class HoldingEnded extends Refusal {
  constructor(holding: string) {
    super('conflict', `"${holding}" has ended and does not come back.`);
  }
}

/** The work has lost its instance, by force or because its operation is over, and must do nothing more there. */
export class LeaseLost extends Terminal {
  constructor(leaseId: string) {
    super('conflict', `The lease "${leaseId}" is not held any more, or the instance was cycled since.`);
  }
}

/** Another operation drains the instance. */
export class DrainedByOther extends Retryable {
  readonly owner: string | undefined;

  constructor({ instanceId, drain }: Pick<Occupancy, 'instanceId' | 'drain'>) {
    super('instance_draining', `"${drain?.owner ?? 'Somebody'}" drains the instance "${instanceId}" already.`, {
      delaySeconds: 5,
    });
    this.owner = drain?.owner;
  }
}
