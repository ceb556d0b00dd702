import { Retryable } from '../failure.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import type { Instance, InstanceStore } from './instance.ts';

/**
 * Gives graphs their slots. The graph's record names an instance before the slot is taken there, so a slot never
 * exists that its graph does not name: a crash between the two writes leaks nothing.
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
   * @throws {Retryable} `at_capacity` when no instance of the tier has room now
   */
  async takeSlot(unplaced: Graph): Promise<{ graph: Graph; instanceId: string }> {
    const candidates = this.#leastUsedFirst(await this.#instances.listByTier(unplaced.tier, 'ACTIVE'));
    let graph = await this.#graphs.create({ ...unplaced, placement: candidates[0]?.instanceId ?? null });
    if (graph.placement !== null && (await this.#take(graph, graph.placement))) {
      return { graph, instanceId: graph.placement };
    }
    for (const { instanceId } of candidates) {
      if (instanceId === graph.placement) continue;
      if (!(await this.#graphs.place(graph.graphId, graph.placement, instanceId))) break;
      graph = { ...graph, placement: instanceId };
      if (await this.#take(graph, instanceId)) return { graph, instanceId };
    }
    throw new Retryable('at_capacity', `No instance of tier "${unplaced.tier}" has a free slot.`, { delaySeconds: 5 });
  }

  /** Frees the graph's slot on the instance that its record names. Repeating it is harmless. */
  async freeSlot(graph: Graph): Promise<void> {
    if (graph.placement !== null) await this.#instances.freeSlot(graph.placement, graph.graphId, graph.createdBy);
  }

  #take(graph: Graph, instanceId: string): Promise<boolean> {
    return this.#instances.takeSlot(instanceId, graph.graphId, graph.createdBy);
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
