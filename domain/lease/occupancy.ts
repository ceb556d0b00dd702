import { Refusal, Retryable, Terminal } from '../failure.ts';
import type { Instance } from '../fleet/instance.ts';
import type { Drain } from './drain.ts';
import type { Lease } from './lease.ts';

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

/** Nothing is held any more and nothing can begin. */
export const isDrained = ({ state, busyCount }: Occupancy): boolean => state === 'DRAINING' && busyCount === 0;

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
