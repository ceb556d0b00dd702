/** The sizes of instances that a graph can ask for. */
export const GRAPH_TIERS = ['standard', 'large', 'xlarge'] as const;
export type GraphTier = (typeof GRAPH_TIERS)[number];

/** On a tier's task definition: the ECS capacity provider of its hosts. Without it, tasks are Fargate's. */
export const CAPACITY_PROVIDER_TAG = 'graphfleet:capacity-provider';

/** All sizes of instances; `shared` ones hold the repositories that many tenants read. */
export const FLEET_TIERS = [...GRAPH_TIERS, 'shared'] as const;
export type FleetTier = (typeof FLEET_TIERS)[number];

/** What is wanted of a tier: data, so that neither a deploy nor a template decides how many instances there are. */
export type Tier = {
  tier: FleetTier;
  minInstances: number;
  maxInstances: number;
  /** Graphs that one instance holds. */
  capacity: number;
  /** Whatever is to be placed here waits until an operator agrees. */
  approval?: boolean | undefined;
  /** Digest of the image that its instances are to run: `sha256:…`. Without one, nobody has named one yet. */
  image?: string | undefined;
};

/** What is to be wanted of a tier from now on; what is left out stays as it is. */
export type TierChange = Pick<Tier, 'tier'> & {
  [field in Exclude<keyof Tier, 'tier'>]?: Tier[field] | undefined;
};

/** What is wanted of a tier that nobody has set. */
export const DEFAULT_TIERS: readonly Tier[] = [
  { tier: 'standard', minInstances: 1, maxInstances: 10, capacity: 100 },
  { tier: 'large', minInstances: 0, maxInstances: 10, capacity: 20 },
  { tier: 'xlarge', minInstances: 0, maxInstances: 4, capacity: 4 },
  { tier: 'shared', minInstances: 0, maxInstances: 2, capacity: 50 },
];

/** Where what is wanted of each tier is kept. */
export interface TierStore {
  /** Every tier, as it was set or by default. */
  list(): Promise<Tier[]>;
  /** One tier, as it was set or by default. Read consistently. */
  get(tier: FleetTier): Promise<Tier>;
  /**
   * Sets what is wanted of a tier, field by field: changes of others at the same moment stay.
   * @returns all that is wanted of it now
   * @throws {Refusal} `invalid_request`: its minimum would be more than its maximum
   */
  put(change: TierChange): Promise<Tier>;
  /** Makes an image the one that is wanted of a tier, unless one is wanted already. @returns the one that is wanted now */
  putFirstImage(tier: FleetTier, image: string): Promise<string>;
}
