import type { FleetTier } from '../fleet/tier.ts';
import { isTerminal, type Operation } from '../operation/operation.ts';
import type { Graph } from './graph.ts';
import type { GraphMove } from './graph-place.ts';

/** A graph that is moving. */
export type MovingGraph = Graph & { move: GraphMove };

/**
 * Whether a move has switched and then stopped, before it gave up the place that it left: whoever wants the graph next
 * does that. One whose undo failed has not: that can be tried again.
 */
export const hasStopped = ({ state }: GraphMove, { status }: Operation): boolean =>
  state === 'switched' && isTerminal(status) && status !== 'compensation_failed';

/** The moves of graphs. Each method is one conditional write on the graph's own item. */
export interface GraphMoveStore {
  /**
   * Begins a move of an active graph that nothing else holds, that is on another tier, and that has no more subgraphs
   * than it may have there. False: it is not so.
   */
  begin(graphId: string, operationId: string, to: { tier: FleetTier; placement: string | null }): Promise<boolean>;
  /** Names another instance as the spare place of a move that is preparing, if it still names `before`. */
  place(graphId: string, operationId: string, before: string | null, instanceId: string): Promise<boolean>;
  /**
   * Serves an active graph at the spare place of its move, which is preparing, unless it has more subgraphs than it may
   * have there; the place that it left is spare then.
   */
  switchOver(graph: MovingGraph): Promise<boolean>;
  /** Serves the graph where it was before its move switched; from here on the move is abandoned. */
  switchBack(graph: MovingGraph): Promise<boolean>;
  /** Abandons a move that is preparing: it can not switch any more. */
  abandon(graphId: string, operationId: string): Promise<boolean>;
  /** Forgets a move whose spare place has been given up, if it is still as it was read. */
  end(graphId: string, move: GraphMove): Promise<boolean>;
}
