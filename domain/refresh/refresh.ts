import type { FleetTier } from '../fleet/tier.ts';
import type { OperationError } from '../operation/operation.ts';

/** What is done about an instance that has work on it. */
export const ON_BUSY = ['wait', 'skip', 'fail'] as const;
/** What is done when it still has at the end of the wait: given back to its work, cut off from it, or counted as a failure. */
export const ON_DEADLINE = ['defer', 'force', 'fail'] as const;

/** How each instance is refreshed. */
export type RefreshPolicy = {
  /** The budget of each instance, from the closing of its gate; every time-out of the wait derives from it. */
  maxWaitMinutes: number;
  onBusy: (typeof ON_BUSY)[number];
  onDeadline: (typeof ON_DEADLINE)[number];
  /** Cuts off the work at once, without a wait. */
  forceIgnoreBusy: boolean;
  /** Why; asked for wherever work may be cut off. */
  reason: string | null;
  /** Cycles also an instance that has the wanted image. */
  forceRestart: boolean;
};

/** What an operation of kind `instance.refresh` is asked for. */
export type InstanceRefreshRequest = RefreshPolicy & {
  /** The refresh of the fleet that began it. */
  parentOperationId: string;
  instanceId: string;
  tier: FleetTier;
  /** The image that was wanted when the refresh of the fleet was planned: one that is wanted since is another refresh's. */
  toImage: string;
};

/**
 * What became of an instance. `refreshed`, `unchanged` and `forced` are what was asked for; `deferred` and `skipped` have
 * left it to its work, as it was; after `failed` it is as before, or in quarantine.
 */
export const INSTANCE_OUTCOMES = ['refreshed', 'unchanged', 'deferred', 'skipped', 'forced', 'failed'] as const;
export type InstanceOutcome = (typeof INSTANCE_OUTCOMES)[number];

/** The result of an operation of kind `instance.refresh`. */
export type InstanceRefreshResult = {
  instanceId: string;
  outcome: InstanceOutcome;
  /** From the closing of the gate to the cycle, or to the end of the wait. */
  waitedMs: number;
  /** How many operations were at work when the gate was closed. */
  busyAtStart: number;
  /** The operations that were cut off. */
  interrupted: readonly string[];
  fromImage: string;
  toImage: string;
  error: OperationError | null;
};
