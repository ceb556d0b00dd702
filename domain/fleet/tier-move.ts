import { Refusal, Retryable, WaitingForCapacity } from '../failure.ts';
import { type Graph, type GraphStore, operationIdOfWriter, refusalToUse, refuseUnlessInUse } from '../graph/graph.ts';
import { type GraphMoveStore, hasStopped, type MovingGraph } from '../graph/graph-move.ts';
import type { GraphMove } from '../graph/graph-place.ts';
import { subgraphQuotaOf } from '../graph/subgraph.ts';
import { tooManySubgraphs } from '../graph/subgraph-places.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { CapacityQueue } from './capacity-queue.ts';
import type { Instance, InstanceStore } from './instance.ts';
import { Placement, type SlotRecord } from './placement.ts';
import type { FleetTier, GraphTier } from './tier.ts';

/** What an operation asks for. */
export type TierRequest = { graphId: string; tier: GraphTier };

type Stores = { graphs: GraphStore; moves: GraphMoveStore; instances: InstanceStore; queue: CapacityQueue };

/**
 * Moves graphs to other tiers. The snapshot is the truth and an instance a cache, so a move is a slot on the other tier
 * and one write that names it as the place that serves. The graph's record names both places until the one that does not
 * serve is given up, so no slot is ever lost, whatever crashes.
 */
export class TierMove {
  readonly #graphs: GraphStore;
  readonly #moves: GraphMoveStore;
  readonly #instances: InstanceStore;
  readonly #placement: Placement;

  constructor({ graphs, moves, instances, queue }: Stores) {
    this.#graphs = graphs;
    this.#moves = moves;
    this.#instances = instances;
    this.#placement = new Placement(instances, graphs, queue);
  }

  /**
   * Begins a graph's move and takes its slot on the tier. Repeating it finds the same slot.
   * @throws {Refusal} `conflict` when something else holds the graph, `graph_not_ready`, `invalid_request`
   * @throws {WaitingForCapacity} `at_capacity` when others wait for a slot already, or no instance has room
   */
  async takeSlot(graphId: string, operationId: string, tier: FleetTier): Promise<void> {
    const taken = await this.#placement.takeAsRecorded(tier, async (placement) => {
      await this.#moves.begin(graphId, operationId, { tier, placement });
      const graph = preparingFor(tier, operationId, await this.#graphs.get(graphId));
      return slotOfMove({ graphs: this.#graphs, moves: this.#moves }, graph);
    });
    if (taken !== undefined) return;
    throw new WaitingForCapacity('at_capacity', `No instance of tier "${tier}" has a free slot.`);
  }

  /**
   * Serves the graph at its new place. Repeating it is harmless.
   * @throws {Refusal} `graph_not_ready` when the graph is not active any more, `limit_reached` when it has too many
   * subgraphs by now, `conflict` when the move is over
   */
  async switchOver(graphId: string, operationId: string): Promise<void> {
    const graph = await this.#movingGraph(graphId, operationId);
    if (graph?.move.state === 'switched') return;
    if (graph?.move.state !== 'preparing') throw new Refusal('conflict', `The move of "${graphId}" is over.`);
    refuseUnlessInUse(graph);
    if (!subgraphsFit(graph, graph.move.spare.tier)) throw tooManySubgraphs(graph.move.spare.tier);
    if (!(await this.#moves.switchOver(graph))) throw changedMeanwhile(graphId);
  }

  /** Serves the graph where it was before the move, which can not switch any more then. Repeating it is harmless. */
  async switchBack(graphId: string, operationId: string): Promise<void> {
    const graph = await this.#movingGraph(graphId, operationId);
    if (graph === undefined || graph.move.state === 'abandoned') return;
    const done =
      graph.move.state === 'switched'
        ? await this.#moves.switchBack(graph)
        : await this.#moves.abandon(graphId, operationId);
    if (!done) throw changedMeanwhile(graphId);
  }

  /**
   * Takes back all that a run of a step did when the operation was undone meanwhile. Repeating it is harmless.
   * @param evenSwitched false for an operation that has gone past its point of no return: what switched stays
   */
  async giveUp(graphId: string, operationId: string, { evenSwitched }: { evenSwitched: boolean }): Promise<void> {
    const graph = await this.#movingGraph(graphId, operationId);
    if (graph?.move.state === 'switched' && !evenSwitched) return;
    await this.switchBack(graphId, operationId);
    await this.freeSpareSlot(graphId, operationId, 'abandoned');
  }

  /** What a move in this state is to remove from the instance that does not serve the graph: it and its subgraphs. */
  async spareCopies(
    graphId: string,
    operationId: string,
    state: GraphMove['state'],
  ): Promise<{ instance: Instance; graphIds: readonly string[] } | undefined> {
    const graph = await this.#movingGraph(graphId, operationId, state);
    const placement = graph?.move.spare.placement ?? null;
    const instance = placement === null ? undefined : await this.#instances.get(placement);
    return graph && instance && { instance, graphIds: [graphId, ...Object.values(graph.subgraphs)] };
  }

  /** Frees the slot of the place that does not serve and forgets the move. Repeating it is harmless. */
  async freeSpareSlot(graphId: string, operationId: string, state: GraphMove['state']): Promise<void> {
    const move = (await this.#movingGraph(graphId, operationId, state))?.move;
    if (move === undefined) return;
    await this.#placement.freeSlot({ graphId, ...move.spare });
    if (!(await this.#moves.end(graphId, move))) throw changedMeanwhile(graphId);
  }

  /** Goes on with a move that has stopped: gives up the place that it left. Repeating it is harmless. */
  async finishStopped(graphId: string, operations: Pick<OperationLog, 'find'>): Promise<void> {
    const move = (await this.#graphs.get(graphId))?.move ?? null;
    const mover = move && (await operations.find(move.operationId));
    if (mover && hasStopped(move, mover)) await this.freeSpareSlot(graphId, move.operationId, 'switched');
  }

  /** The graph while the operation moves it; with a state, only while the move is in it. */
  async #movingGraph(
    graphId: string,
    operationId: string,
    state?: GraphMove['state'],
  ): Promise<MovingGraph | undefined> {
    const graph = await this.#graphs.get(graphId);
    if (graph === undefined || graph.move === null || graph.move.operationId !== operationId) return undefined;
    return state === undefined || graph.move.state === state ? { ...graph, move: graph.move } : undefined;
  }
}

/** The slot that a graph moves to, as the graph's record names it. */
export const slotOfMove = (
  { graphs, moves }: Pick<Stores, 'graphs' | 'moves'>,
  { graphId, move: { operationId, spare } }: MovingGraph,
): SlotRecord => ({
  graphId,
  ...spare,
  rename: (before, instanceId) => moves.place(graphId, operationId, before, instanceId),
  // Once the move has switched, it is the graph's own.
  names: async (instanceId) => {
    const graph = await graphs.get(graphId);
    const places = [graph, graph?.move?.spare];
    return places.some((place) => place?.placement === instanceId && place.slotHolder === operationId);
  },
});

/**
 * The graph, if the operation prepares its move.
 * @throws {Refusal} why it does not
 */
const preparingFor = (tier: FleetTier, operationId: string, graph: Graph | undefined): MovingGraph => {
  if (graph === undefined) throw new Refusal('not_found', 'The graph is not there any more.');
  const { move } = graph;
  if (move?.operationId !== operationId) throw refusalToMove(graph, tier) ?? changedMeanwhile(graph.graphId);
  if (move.state !== 'preparing') throw new Refusal('conflict', `The move is ${move.state} already.`);
  return { ...graph, move };
};

/** Why a graph can not be moved to a tier now, if it can not. */
export const refusalToMove = (graph: Graph, tier: FleetTier): Refusal | undefined => {
  const { graphId, parentId, move, writer } = graph;
  if (parentId !== null) {
    return new Refusal('invalid_request', `"${graphId}" is a subgraph: it is on the tier of its parent "${parentId}".`);
  }
  const unusable = refusalToUse(graph);
  if (unusable !== undefined) return unusable;
  const holder = move?.operationId ?? (writer === null ? undefined : operationIdOfWriter(writer));
  if (holder !== undefined) {
    return new Refusal('conflict', `The operation "${holder}" holds the graph.`, { operationId: holder });
  }
  if (graph.tier === tier) {
    const issues = [{ path: 'tier', message: 'Choose another tier.' }];
    return new Refusal('invalid_request', `The graph is on tier "${tier}" already.`, { issues });
  }
  return subgraphsFit(graph, tier) ? undefined : tooManySubgraphs(tier);
};

const subgraphsFit = ({ subgraphs }: Graph, tier: FleetTier): boolean =>
  Object.keys(subgraphs).length <= subgraphQuotaOf(tier);

const changedMeanwhile = (graphId: string): Retryable =>
  new Retryable('conflict', `Something else has changed the graph "${graphId}" meanwhile.`);
