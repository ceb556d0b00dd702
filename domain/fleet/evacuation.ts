import type { Graph, GraphStore } from '../graph/graph.ts';
import type { GraphMoveStore } from '../graph/graph-move.ts';
import type { Instance, InstanceStore } from './instance.ts';
import type { Placement, SlotRecord } from './placement.ts';
import { slotOfMove } from './tier-move.ts';

type Parts = {
  instances: Pick<InstanceStore, 'readSlots'>;
  graphs: GraphStore;
  moves: GraphMoveStore;
  placement: Placement;
};

/** How many slots were given up, and how many the instance has still. */
export type Evacuated = { moved: number; left: number };

/**
 * Gives the graphs of an instance that is to be gone, or is, their slots on other instances of its tier. Snapshots are the
 * truth and instances are caches, so nothing is copied: the new one loads the graph when it is first asked for. The
 * instance's slots are the list of what is to be done. One is freed only once the graph has another, so whoever takes this
 * up after a crash finds all that is left.
 */
export class Evacuation {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Gives up slots of an instance that takes no graphs any more, at most `limit`. Repeating it is harmless. */
  async run({ instanceId, tier }: Pick<Instance, 'instanceId' | 'tier'>, limit: number): Promise<Evacuated> {
    const { instances, placement } = this.#parts;
    const slots = Object.entries(await instances.readSlots(instanceId));
    let rooms = slots.length === 0 ? [] : await placement.withRoom(tier);
    let moved = 0;
    for (const [graphId, slotHolder] of slots.slice(0, limit)) {
      const record = await this.#recordOf(graphId, slotHolder);
      if (record === undefined) {
        await placement.freeSlot({ graphId, placement: instanceId, slotHolder });
        moved += 1;
        continue;
      }
      const elsewhere = await placement.moveSlot(instanceId, record, rooms);
      rooms = elsewhere === null ? [] : withOneMore(rooms, elsewhere);
      moved += elsewhere === null ? 0 : 1;
    }
    return { moved, left: slots.length - moved };
  }

  /** What records a slot; undefined when nothing does, or it is the one that a graph has left already. */
  async #recordOf(graphId: string, slotHolder: string): Promise<SlotRecord | undefined> {
    const graph = await this.#parts.graphs.get(graphId);
    return graph && this.#recordIn(graph, slotHolder);
  }

  #recordIn(graph: Graph, slotHolder: string): SlotRecord | undefined {
    const { move } = graph;
    if (graph.slotHolder === slotHolder) return this.#parts.placement.slotOf(graph);
    if (move?.state !== 'preparing' || move.spare.slotHolder !== slotHolder) return undefined;
    return slotOfMove(this.#parts, { ...graph, move });
  }
}

const withOneMore = (rooms: readonly Instance[], instanceId: string): Instance[] =>
  rooms
    .map((room) => (room.instanceId === instanceId ? { ...room, used: room.used + 1 } : room))
    .sort((left, right) => left.used - right.used);
