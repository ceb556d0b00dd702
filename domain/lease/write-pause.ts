import { Retryable } from '../failure.ts';
import type { FleetTier } from '../fleet/tier.ts';

/** Keeps new work from a tier, or from the whole fleet, until a declared end. What is under way goes on. */
export type WritePause = {
  /** Null: the fleet. */
  tier: FleetTier | null;
  /** Who asked for it. */
  owner: string;
  reason: string;
  until: string;
};

/** Where pauses are kept: one for each tier, and one for the fleet. */
export interface WritePauseStore {
  /** Sets the pause of a tier or of the fleet; the one before is replaced. */
  put(pause: WritePause): Promise<void>;
  /** Ends it before its time. Repeating it is harmless. */
  remove(tier: FleetTier | null): Promise<void>;
  /** The pauses that are set for a tier, the fleet's among them. Read consistently. */
  get(tier: FleetTier): Promise<WritePause[]>;
}

/**
 * Makes sure that new work may begin on a tier.
 * @throws {Retryable} `writes_paused` when a pause is set that has not come to its end
 */
export const refuseWhilePaused = async (pauses: WritePauseStore, tier: FleetTier, now: Date): Promise<void> => {
  const last = (await pauses.get(tier)).map(({ until }) => Date.parse(until)).sort((left, right) => right - left)[0];
  if (last === undefined || last <= now.getTime()) return;
  throw new Retryable('writes_paused', `Writes are paused until ${new Date(last).toISOString()}.`, {
    delaySeconds: Math.ceil((last - now.getTime()) / 1_000),
  });
};
