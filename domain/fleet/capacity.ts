import { type CapacityQueue, MOST_COUNTED } from './capacity-queue.ts';
import type { Instance, InstanceStore } from './instance.ts';
import type { FleetTier, Tier, TierStore } from './tier.ts';

/** `ready`: a graph finds a place now; `scalable`: when another instance is launched; `at_capacity`: when one is freed. */
export const CAPACITY_STATES = ['ready', 'scalable', 'at_capacity'] as const;
export type CapacityState = (typeof CAPACITY_STATES)[number];

/** What a tier has room for, and how many operations wait for it, counted up to {@link MOST_COUNTED}. */
export type Capacity = { tier: FleetTier; state: CapacityState; waiting: number };

/** What a tier is wanted to be, what it has, and how many operations wait. */
export type TierLoad = { wanted: Tier; instances: readonly Instance[]; waiting: number };

type Stores = { tiers: TierStore; instances: InstanceStore; queue: CapacityQueue };

const KNOWN_FOR_MS = 2_000;

/** Reads how full a tier is, from its instances and its queue as they are listed. */
const readTierLoad = async ({ tiers, instances, queue }: Stores, tier: FleetTier): Promise<TierLoad> => {
  const [wanted, ofTier, waiting] = await Promise.all([
    tiers.get(tier),
    instances.listAll(tier),
    queue.count(tier, MOST_COUNTED),
  ]);
  return { wanted, instances: ofTier, waiting };
};

/** Slots that are free, or will be as soon as an instance that is launching is there. */
const roomOf = ({ wanted, instances }: TierLoad): number => {
  const roomsOf = instances.map(({ state, capacity, used }) => {
    if (state === 'LAUNCHING') return wanted.capacity;
    return state === 'ACTIVE' ? Math.max(0, capacity - used) : 0;
  });
  return roomsOf.reduce((sum, room) => sum + room, 0);
};

/** How many instances a tier should have: enough for all that wait, and never fewer than it has or more than its maximum. */
export const wantedInstances = (load: TierLoad): number => {
  const { wanted, instances, waiting } = load;
  const lacking = Math.max(0, waiting - roomOf(load));
  const enough = Math.max(wanted.minInstances, instances.length + Math.ceil(lacking / wanted.capacity));
  return Math.max(instances.length, Math.min(enough, wanted.maxInstances));
};

export const capacityOf = ({ wanted, instances, waiting }: TierLoad): Capacity => {
  const { tier, maxInstances } = wanted;
  const free = instances.some(({ state, used, capacity }) => state === 'ACTIVE' && used < capacity);
  const grows = instances.length < maxInstances || instances.some(({ state }) => state === 'LAUNCHING');
  const state = free && waiting === 0 ? 'ready' : grows ? 'scalable' : 'at_capacity';
  return { tier, state, waiting };
};

/** Tells how full tiers are, as it is now or was up to 2 s ago: it is asked with every graph, and only informs. */
export class KnownCapacity {
  readonly #stores: Stores;
  readonly #now: () => number;
  readonly #known = new Map<FleetTier, { until: number; capacity: Promise<Capacity> }>();

  constructor(stores: Stores, now: () => number = Date.now) {
    this.#stores = stores;
    this.#now = now;
  }

  async of(tier: FleetTier): Promise<Capacity> {
    const known = this.#known.get(tier);
    if (known !== undefined && this.#now() < known.until) return known.capacity;
    const capacity = readTierLoad(this.#stores, tier).then(capacityOf);
    this.#known.set(tier, { until: this.#now() + KNOWN_FOR_MS, capacity });
    capacity.catch(() => this.#known.delete(tier));
    return capacity;
  }
}
