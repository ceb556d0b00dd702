import { Retryable } from '../failure.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import type { Instance, InstanceStore } from './instance.ts';

/**
 * Gives graphs their slots. The graph's record names an instance before the slot is taken there, and a slot that the
 * record does not name any more is freed by whoever sees it: a run that moved the record frees the slot that another may
 * have taken meanwhile, a run that took a slot looks whether the record still names it. So in the end a slot exists
 * only where the record says, whatever crashes and however many runs there are at once.
 */
export class Placement {
  readonly #instances: InstanceStore;
  readonly #graphs: GraphStore;
  readonly #random: () => number;

  constructor(instances: InstanceStore, graphs: GraphStore, random: () => number = Math.random) {
    this.#instances = instances;
    this.#graphs = graphs;
    this.#random = random;
  }

  /**
   * Creates the graph's record and takes its slot, on the least used instance first. Repeating it finds the same slot.
   * @returns the graph as it is placed
   * @throws {Retryable} `at_capacity` when no instance of the tier has room now
   */
  async takeSlot(unplaced: Graph): Promise<Graph> {
    const candidates = this.#leastUsedFirst(await this.#instances.listByTier(unplaced.tier, 'ACTIVE'));
    let graph = await this.#graphs.create({ ...unplaced, placement: candidates[0]?.instanceId ?? null });
    if (await this.#take(graph)) return graph;
    for (const { instanceId } of candidates) {
      if (instanceId === graph.placement) continue;
      if (!(await this.#graphs.place(graph.graphId, graph.placement, instanceId))) break;
      await this.freeSlot(graph);
      graph = { ...graph, placement: instanceId };
      if (await this.#take(graph)) return graph;
    }
    throw new Retryable('at_capacity', `No instance of tier "${unplaced.tier}" has a free slot.`, { delaySeconds: 5 });
  }

  /** Frees the graph's slot on the instance that its record names. Repeating it is harmless. */
  async freeSlot(graph: Graph): Promise<void> {
    if (graph.placement !== null) await this.#instances.freeSlot(graph.placement, graph.graphId, graph.createdBy);
  }

  async #take(graph: Graph): Promise<boolean> {
    const { graphId, placement, createdBy } = graph;
    if (placement === null || !(await this.#instances.takeSlot(placement, graphId, createdBy))) return false;
    if ((await this.#graphs.get(graphId))?.placement === placement) return true;
    await this.freeSlot(graph);
    throw new Retryable('conflict', `Another run has moved the graph "${graphId}" meanwhile.`);
  }

  /** Equals in random order, so that operations which start together do not all try the same instance. */
  #leastUsedFirst(instances: Instance[]): Instance[] {
    return instances
      .filter(({ used, capacity }) => used < capacity)
      .map((instance) => ({ instance, tie: this.#random() }))
      .sort((left, right) => left.instance.used - right.instance.used || left.tie - right.tie)
      .map(({ instance }) => instance);
  }
}
