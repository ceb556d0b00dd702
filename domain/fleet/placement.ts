import { Retryable, WaitingForCapacity } from '../failure.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import type { CapacityQueue } from './capacity-queue.ts';
import type { Instance, InstanceStore } from './instance.ts';
import type { FleetTier } from './tier.ts';

/** A graph's slot as its record names it. */
export type Slot = Pick<Graph, 'graphId' | 'placement' | 'slotHolder'>;

/** The record of a slot, which names the instance before the slot is taken there. */
export type SlotRecord = Slot & {
  /** Names another instance, if it still names `before`. */
  rename(before: string | null, instanceId: string): Promise<boolean>;
  /** Whether the instance is, as of now, one that the graph's slot is held on by this holder. */
  names(instanceId: string): Promise<boolean>;
};

/**
 * Gives graphs their slots. The graph's record names an instance before the slot is taken there, and a slot that the
 * record does not name any more is freed by whoever sees it: a run that moved the record frees the slot that another may
 * have taken meanwhile, a run that took a slot looks whether the record still names it. So in the end a slot exists
 * only where the record says, whatever crashes and however many runs there are at once.
 */
export class Placement {
  readonly #instances: InstanceStore;
  readonly #graphs: GraphStore;
  readonly #queue: CapacityQueue;
  readonly #random: () => number;

  constructor(instances: InstanceStore, graphs: GraphStore, queue: CapacityQueue, random: () => number = Math.random) {
    this.#instances = instances;
    this.#graphs = graphs;
    this.#queue = queue;
    this.#random = random;
  }

  /**
   * Creates the graph's record and takes its slot, on the least used instance first. Repeating it finds the same slot.
   * @returns the graph as it is placed
   * @throws {WaitingForCapacity} `at_capacity` when others wait for a slot already, or no instance has room
   */
  async takeSlot(unplaced: Graph): Promise<Graph> {
    const { tier } = unplaced;
    let graph = unplaced;
    const placement = await this.takeAsRecorded(tier, async (first) => {
      graph = await this.#graphs.create({ ...unplaced, placement: first });
      return this.slotOf(graph);
    });
    if (placement !== undefined) return { ...graph, placement };
    throw new WaitingForCapacity('at_capacity', `No instance of tier "${tier}" has a free slot.`);
  }

  /**
   * Takes a slot of a tier for whatever records it, unless somebody is in the queue for one.
   * @param record writes the record, naming the given instance, or finds the record of an earlier run
   * @returns the instance; undefined when there is no room
   */
  async takeAsRecorded(
    tier: FleetTier,
    record: (first: string | null) => Promise<SlotRecord>,
  ): Promise<string | undefined> {
    const [ahead, active] = await Promise.all([this.#queue.list(tier, 1), this.#instances.listByTier(tier, 'ACTIVE')]);
    const candidates = ahead.length === 0 ? this.#leastUsedFirst(active) : [];
    const slot = await record(candidates[0]?.instanceId ?? null);
    if (ahead.length > 0) return (await this.#holds(slot)) ? (slot.placement ?? undefined) : undefined;
    return this.#takeOneOf(candidates, slot);
  }

  /** The instances of a tier that have room, as they are now and not as they are listed; the least used first. */
  async withRoom(tier: FleetTier): Promise<Instance[]> {
    const listed = await this.#instances.listByTier(tier, 'ACTIVE');
    const current = await Promise.all(listed.map(({ instanceId }) => this.#instances.get(instanceId)));
    return this.#leastUsedFirst(current.filter((instance) => instance?.state === 'ACTIVE') as Instance[]);
  }

  /** The operations that hold slots on a tier's instances. */
  async holders(tier: FleetTier): Promise<Set<string>> {
    const instances = await this.#instances.listAll(tier);
    const slots = await Promise.all(instances.map(({ instanceId }) => this.#instances.readSlots(instanceId)));
    return new Set(slots.flatMap((taken) => Object.values(taken)));
  }

  /**
   * Takes a slot whose turn it is, on one of the instances. The record is not created: one that is gone belongs to an
   * operation that was undone.
   * @returns the instance; undefined when there is no room
   */
  async takeSlotInTurn(slot: SlotRecord, instances: readonly Instance[]): Promise<string | undefined> {
    return this.#takeOneOf(instances, slot);
  }

  /**
   * Gives a graph another slot than the one on `from`, which it keeps until it has the other. Repeating it, or going on
   * with what another run began, is harmless.
   * @returns the instance; null when there is no room: then all is as before
   */
  async moveSlot(from: string, record: SlotRecord, instances: readonly Instance[]): Promise<string | null> {
    let slot = record;
    const leave = async (placement: string): Promise<void> => {
      if (!(await slot.rename(slot.placement, placement))) throw movedMeanwhile(slot);
      if (slot.placement !== from) await this.freeSlot(slot);
      slot = { ...slot, placement };
    };
    for (const instanceId of [record.placement, ...instances.map((instance) => instance.instanceId)]) {
      if (instanceId === null || instanceId === from) continue;
      if (instanceId !== slot.placement) await leave(instanceId);
      if (!(await this.#take(slot))) continue;
      await this.freeSlot({ ...slot, placement: from });
      return instanceId;
    }
    if (slot.placement !== from) await leave(from);
    return null;
  }

  /** Frees the slot that a record names. Repeating it is harmless. */
  async freeSlot({ graphId, placement, slotHolder }: Slot): Promise<void> {
    if (placement !== null) await this.#instances.freeSlot(placement, graphId, slotHolder);
  }

  /** The slot of a graph that is being created. */
  slotOf(graph: Graph): SlotRecord {
    const { graphId } = graph;
    return {
      ...graph,
      rename: (before, instanceId) => this.#graphs.place(graphId, before, instanceId),
      names: async (instanceId) => (await this.#graphs.get(graphId))?.placement === instanceId,
    };
  }

  async #takeOneOf(candidates: readonly Instance[], record: SlotRecord): Promise<string | undefined> {
    let slot = record;
    if (slot.placement !== null && (await this.#take(slot))) return slot.placement;
    for (const { instanceId } of candidates) {
      if (instanceId === slot.placement) continue;
      if (!(await slot.rename(slot.placement, instanceId))) throw movedMeanwhile(slot);
      await this.freeSlot(slot);
      slot = { ...slot, placement: instanceId };
      if (await this.#take(slot)) return instanceId;
    }
    return undefined;
  }

  async #take(slot: SlotRecord): Promise<boolean> {
    const { graphId, placement, slotHolder, names } = slot;
    if (placement === null || !(await this.#instances.takeSlot(placement, graphId, slotHolder))) return false;
    if (await names(placement)) return true;
    await this.freeSlot(slot);
    throw movedMeanwhile(slot);
  }

  async #holds({ graphId, placement, slotHolder }: Slot): Promise<boolean> {
    return placement !== null && (await this.#instances.readSlots(placement))[graphId] === slotHolder;
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

const movedMeanwhile = ({ graphId }: Slot): Retryable =>
  new Retryable('conflict', `Another run has moved the graph "${graphId}" meanwhile.`);
