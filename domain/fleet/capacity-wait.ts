import { Refusal, Retryable } from '../failure.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import type { GraphMoveStore } from '../graph/graph-move.ts';
import { goesForward, isTerminal } from '../operation/operation.ts';
import type { AcceptedEvent, OperationEvent } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { WaitingTasks } from '../operation/waiting-tasks.ts';
import { type CapacityQueue, MOST_COUNTED, type QueuePlace, type WaitingOperation } from './capacity-queue.ts';
import type { Instance } from './instance.ts';
import type { Placement, Slot, SlotRecord } from './placement.ts';
import type { FleetTier } from './tier.ts';
import { slotOfMove } from './tier-move.ts';

type Parts = {
  queue: CapacityQueue;
  placement: Placement;
  graphs: GraphStore;
  moves: GraphMoveStore;
  operations: OperationLog;
  tasks: WaitingTasks;
};

/** The slot that an operation was accepted for: the request names the tier. */
export const slotAskedFor = ({ operationId, graphId, request }: AcceptedEvent): Pick<Graph, 'graphId' | 'tier'> => {
  if (graphId === null) throw new Error(`The operation "${operationId}" is about no graph.`);
  return { graphId, tier: (request as Pick<Graph, 'tier'>).tier };
};

/** A step has 10 s, and may have done something before. */
const A_RUN_MS = 6_000;
const A_PAGE = 10;
const A_LONG_PAGE = 100;
const MOST_TRIES = 5;
/** It is not to have a slot, and those behind it do not wait for it. */
const PASSED = Symbol('passed');

/**
 * Lets operations wait for slots, first come, first served. Whoever waits first writes that, and then serves; whoever
 * frees a slot first frees it, and then serves: so one of both sees the other, and no slot stays free while somebody
 * waits. Serving takes the slot for the one that waits, before it wakes it: nobody can come in between.
 */
export class CapacityWait {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /**
   * Puts an operation in the queue; whoever serves it wakes its workflow by the task token. Repeating it replaces the token.
   * @returns whether it came to be the first: then nobody before it serves the queue, and it is to do so itself
   * @throws {Refusal} `operation_over` when it does not go forward any more
   */
  async enter(
    last: OperationEvent,
    { graphId, tier }: Pick<Graph, 'graphId' | 'tier'>,
    taskToken: string,
  ): Promise<{ isFirst: boolean }> {
    const { queue, operations } = this.#parts;
    const { operationId, tenantId, createdAt } = last;
    const enqueuedAt = this.#now().toISOString();
    await queue.put(tier, { operationId, graphId, tenantId, createdAt, taskToken, enqueuedAt });
    const position = (await queue.position(tier, last)) ?? 1;
    const orLater = position < MOST_COUNTED ? '' : ' or later';
    const message = `Waiting for a place on tier "${tier}", number ${position}${orLater} in the queue`;
    const detail = { waitsFor: { capacity: tier, position } };
    const queued = { type: 'progress', status: 'queued', message, detail } as const;
    try {
      // One that was served meanwhile runs; it is not to be turned back.
      for (let known = last; known.status !== 'running'; known = await operations.last(operationId)) {
        if ((await operations.appendAfter(known, queued)) !== undefined) break;
      }
    } catch (error) {
      // Undone meanwhile: its undo may have looked into the queue before.
      if (error instanceof Refusal) await queue.remove(tier, last);
      throw error;
    }
    const [first] = await queue.list(tier, 1);
    return { isFirst: first === undefined || first.operationId === operationId };
  }

  /** Takes an operation out of the queue. Repeating it is harmless. */
  async leave(tier: FleetTier, place: QueuePlace): Promise<void> {
    await this.#parts.queue.remove(tier, place);
  }

  /** Where an operation stands in its tier's queue, if it is there. */
  async position(tier: FleetTier, place: QueuePlace): Promise<number | undefined> {
    return this.#parts.queue.position(tier, place);
  }

  /**
   * Gives free slots to those that wait, in order, and wakes them. Anyone can run it at any time: two runs at once give
   * nobody two slots, and one that dies is carried on by the next.
   * @param forMs how long it may go on, and a little longer to find the first; the next run goes on with the rest
   * @returns how many were woken
   */
  async serve(tier: FleetTier, forMs: number = A_RUN_MS): Promise<number> {
    const begun = this.#now().getTime();
    const until = begun + forMs;
    let rooms: Instance[] | undefined;
    let behind: QueuePlace | undefined;
    let served = 0;
    for (;;) {
      const waiting = await this.#parts.queue.list(tier, A_PAGE, behind);
      for (const next of waiting) {
        rooms ??= await this.#parts.placement.withRoom(tier);
        const placed = await this.#serveOne(tier, next, rooms);
        if (placed === undefined) return served;
        const now = this.#now().getTime();
        if (placed === PASSED) {
          if (now > Math.max(until, begun + A_RUN_MS)) return served;
          continue;
        }
        rooms = afterOneMore(rooms, placed);
        served += 1;
        if (now > until) return served;
      }
      behind = waiting.at(-1);
      if (waiting.length < A_PAGE) return served;
    }
  }

  /**
   * Wakes those in the queue that have their slot already: whoever served them woke a wait that was over, and behind
   * others that have no room nobody comes to them. A run of serving stops at the first of those; this one looks at all.
   * @returns how many were woken
   */
  async wakeServed(tier: FleetTier): Promise<number> {
    const { queue, placement } = this.#parts;
    let woken = 0;
    let holders: Set<string> | undefined;
    let behind: QueuePlace | undefined;
    for (;;) {
      const waiting = await queue.list(tier, A_LONG_PAGE, behind);
      if (waiting.length > 0) holders ??= await placement.holders(tier);
      for (const next of waiting) {
        if (!holders?.has(next.operationId)) continue;
        // It finds the slot that it has, and takes no other.
        const placed = await this.#serveOne(tier, next, []);
        if (typeof placed === 'string') woken += 1;
      }
      behind = waiting.at(-1);
      if (waiting.length < A_LONG_PAGE) return woken;
    }
  }

  /** @returns the instance that it has its slot on; {@link PASSED}; undefined when there is no room for it */
  async #serveOne(
    tier: FleetTier,
    waiting: WaitingOperation,
    rooms: readonly Instance[],
  ): Promise<string | typeof PASSED | undefined> {
    const { queue, operations, placement, tasks } = this.#parts;
    const { operationId, taskToken } = waiting;
    const operation = await operations.find(operationId);
    if (operation === undefined || isTerminal(operation.status)) {
      await queue.remove(tier, waiting);
      return PASSED;
    }
    // What is being undone leaves the queue by itself, when nothing else of it is left.
    const slot = goesForward(operation.status) ? await this.#taken(waiting, rooms) : undefined;
    if (slot === undefined) return PASSED;
    if (slot === 'no room') return undefined;
    const now = await operations.find(operationId);
    if (now === undefined || !goesForward(now.status)) {
      // Its undo may have looked for the slot before it was taken. One that begins after this look finds it.
      await placement.freeSlot(slot);
      return PASSED;
    }
    await tasks.succeed(taskToken);
    // One that has begun to wait anew is woken by the run that it begins with.
    await queue.remove(tier, waiting, taskToken);
    return slot.placement ?? PASSED;
  }

  /**
   * The slot that was taken; undefined when there is no record of it, which must not come back. Another run that is at
   * the same graph is not passed by: those behind would come first.
   */
  async #taken(waiting: WaitingOperation, rooms: readonly Instance[]): Promise<Slot | 'no room' | undefined> {
    for (let tries = 1; ; tries += 1) {
      const graph = await this.#parts.graphs.get(waiting.graphId);
      const slot = graph && this.#slotFor(graph, waiting);
      if (slot === undefined) return undefined;
      try {
        const placement = await this.#parts.placement.takeSlotInTurn(slot, rooms);
        return placement === undefined ? 'no room' : { ...slot, placement };
      } catch (error) {
        if (!(error instanceof Retryable) || tries === MOST_TRIES) throw error;
      }
    }
  }

  /** The slot that the operation is to have: the graph's own, or the one that the graph moves to. */
  #slotFor(graph: Graph, { operationId }: WaitingOperation): SlotRecord | undefined {
    const { move, slotHolder } = graph;
    if (move?.operationId === operationId) {
      return move.state === 'preparing' ? slotOfMove(this.#parts, { ...graph, move }) : undefined;
    }
    return slotHolder === operationId ? this.#parts.placement.slotOf(graph) : undefined;
  }
}

/** The instances that have room still, the least used first. */
const afterOneMore = (rooms: readonly Instance[], instanceId: string): Instance[] =>
  rooms
    .map((room) => (room.instanceId === instanceId ? { ...room, used: room.used + 1 } : room))
    .filter(({ used, capacity }) => used < capacity)
    .sort((left, right) => left.used - right.used);
