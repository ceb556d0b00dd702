import type { FleetTier } from '../fleet/tier.ts';

/** A place for a graph: a slot on an instance of a tier. */
export type GraphPlace = {
  tier: FleetTier;
  /** The instance. Named before its slot is taken, so that a slot can always be found. */
  placement: string | null;
  /** The operation that takes the slot, and by which it is held. */
  slotHolder: string;
};

/**
 * A graph's move to another tier, by one operation. `spare` is the place that does not serve the graph: where it goes
 * while the move is `preparing`, where it comes from once it has `switched`, and again where it was to go once the move
 * is `abandoned`: then only what it took is given back.
 */
export type GraphMove = {
  operationId: string;
  state: 'preparing' | 'switched' | 'abandoned';
  spare: GraphPlace;
};
