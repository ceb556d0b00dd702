import { Refusal } from '../failure.ts';
import type { FleetTier } from '../fleet/tier.ts';
import { operationIdOfGraph } from '../identifier.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { type Graph, type GraphStore, operationIdOfWriter, refuseUnlessInUse, subgraphIdOf } from './graph.ts';
import { type SubgraphPlace, type SubgraphStore, subgraphQuotaOf } from './subgraph.ts';

export const tooManySubgraphs = (tier: FleetTier): Refusal =>
  new Refusal('limit_reached', `A graph of tier "${tier}" has at most ${subgraphQuotaOf(tier)} subgraphs.`);

/** Gives subgraphs their places in their parents. */
export class SubgraphPlaces {
  readonly #graphs: GraphStore;
  readonly #subgraphs: SubgraphStore;
  readonly #operations: OperationLog;

  constructor(graphs: GraphStore, subgraphs: SubgraphStore, operations: OperationLog) {
    this.#graphs = graphs;
    this.#subgraphs = subgraphs;
    this.#operations = operations;
  }

  /**
   * Looks whether a subgraph can have a place now.
   * @throws {Refusal} `conflict` for a name that is taken or a parent that is a subgraph itself, `graph_not_ready`,
   * `payment_required`, `limit_reached`
   */
  async check(parent: Graph, { name, graphId }: SubgraphPlace): Promise<void> {
    const { parentId, tier, subgraphs } = parent;
    const holder = subgraphIdOf(parent, name);
    if (holder === graphId) return;
    if (parentId !== null) throw new Refusal('conflict', 'A subgraph has no subgraphs of its own.');
    refuseUnlessInUse(parent);
    if (holder !== undefined) throw await this.#taken(name, holder);
    if (Object.keys(subgraphs).length >= subgraphQuotaOf(tier)) throw tooManySubgraphs(tier);
  }

  /**
   * Takes a place. Repeating it is harmless.
   * @throws {Refusal} as {@link check}, and `not_found` for the parent
   */
  async reserve(place: SubgraphPlace): Promise<void> {
    for (;;) {
      const parent = await this.#graphs.get(place.parentId);
      if (parent === undefined) throw new Refusal('not_found', `There is no graph "${place.parentId}".`);
      await this.check(parent, place);
      // Another has changed the parent since it was read: it is looked at anew.
      if (subgraphIdOf(parent, place.name) === place.graphId || (await this.#subgraphs.reserve(parent, place))) return;
    }
  }

  /** Removes a subgraph that its creating operation gave up, then its place; one that is in use keeps both. */
  async giveBack(place: SubgraphPlace, createdBy: string): Promise<void> {
    await this.#graphs.remove(place.graphId, createdBy);
    if ((await this.#graphs.get(place.graphId)) === undefined) await this.#subgraphs.release(place);
  }

  async #taken(name: string, graphId: string): Promise<Refusal> {
    const writer = (await this.#graphs.get(graphId))?.writer;
    const operationId = writer == null ? operationIdOfGraph(graphId) : operationIdOfWriter(writer);
    const operation = await this.#operations.find(operationId);
    const runs = operation !== undefined && !isTerminal(operation.status);
    return new Refusal('conflict', `There is a subgraph "${name}" already.`, runs ? { operationId } : {});
  }
}
