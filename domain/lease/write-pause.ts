import { Retryable } from '../failure.ts';
import { FLEET_TIERS, type FleetTier } from '../fleet/tier.ts';

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
  /** The pauses that are set for a tier, the fleet's among them; of the fleet alone without one. Read consistently. */
  get(tier: FleetTier | null): Promise<WritePause[]>;
}

/** A pause ends by itself, so that one that was forgotten does not keep tenants out for ever. */
export const MOST_PAUSE_MS = 86_400_000;

/** The pauses that have not come to their end: the fleet's first, then each tier's. */
export const pausesInForce = async (pauses: WritePauseStore, now: Date): Promise<WritePause[]> => {
  const found = await Promise.all([null, ...FLEET_TIERS].map((tier) => pauses.get(tier)));
  const set = found.flatMap((some, at) => some.filter(({ tier }) => tier === [null, ...FLEET_TIERS][at]));
  return set.filter(({ until }) => Date.parse(until) > now.getTime());
};

const KNOWN_FOR_MS = 1_000;

/** Keeps new work out while a pause is set. Each tier's is read once a second at most: so late a pause can begin or end. */
export class PauseGate {
  readonly #pauses: WritePauseStore;
  readonly #now: () => Date;
  readonly #known = new Map<FleetTier, { last: number; readAt: number }>();

  constructor(pauses: WritePauseStore, now: () => Date = () => new Date()) {
    this.#pauses = pauses;
    this.#now = now;
  }

  /**
   * Makes sure that new work may begin on a tier.
   * @throws {Retryable} `writes_paused` when a pause is set that has not come to its end
   */
  async pass(tier: FleetTier): Promise<void> {
    const now = this.#now().getTime();
    const last = await this.#lastEnd(tier, now);
    if (last <= now) return;
    throw new Retryable('writes_paused', `Writes are paused until ${new Date(last).toISOString()}.`, {
      delaySeconds: Math.ceil((last - now) / 1_000),
    });
  }

  async #lastEnd(tier: FleetTier, now: number): Promise<number> {
    const known = this.#known.get(tier);
    if (known !== undefined && now - known.readAt < KNOWN_FOR_MS) return known.last;
    const ends = (await this.#pauses.get(tier)).map(({ until }) => Date.parse(until));
    const last = Math.max(0, ...ends);
    this.#known.set(tier, { last, readAt: now });
    return last;
  }
}
