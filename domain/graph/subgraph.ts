import type { FleetTier } from '../fleet/tier.ts';
import type { Graph } from './graph.ts';

/** How many subgraphs a graph of each tier may have: they share its instance, and their names are on its item. */
const SUBGRAPH_QUOTA: Readonly<Record<FleetTier, number>> = { standard: 5, large: 25, xlarge: 50, shared: 0 };

/** Of a tier that this version does not know yet: none. */
export const subgraphQuotaOf = (tier: FleetTier): number =>
  (SUBGRAPH_QUOTA as Partial<Record<FleetTier, number>>)[tier] ?? 0;

/** The place of a subgraph in its parent. */
export type SubgraphPlace = { parentId: string; name: string; graphId: string };

/** Where places are kept: on the parent's item, so that the unique name and the quota are one condition. */
export interface SubgraphStore {
  /** Takes a place, if the parent is still active, of the tier that it was read with, and has the name and room free. */
  reserve(parent: Graph, place: SubgraphPlace): Promise<boolean>;
  /** Gives a place back. One that is not this subgraph's stays. */
  release(place: SubgraphPlace): Promise<void>;
}
