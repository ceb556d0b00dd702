import type { FleetTier } from './tier.ts';

/** A place in a tier's queue: the order is that in which operations were accepted. */
export type QueuePlace = { createdAt: string; operationId: string };

/** Whoever stands further behind is told this place: what a look at a queue costs does not grow with the queue. */
export const MOST_COUNTED = 500;

/** An operation that waits for a slot for a graph, and the task that goes on when it has one. */
export type WaitingOperation = QueuePlace & {
  graphId: string;
  tenantId: string;
  taskToken: string;
  enqueuedAt: string;
};

/** The operations that wait for a slot, by tier. Reads are consistent. */
export interface CapacityQueue {
  /** Puts an operation in its place; one that is there keeps its newest token, however late an older one comes. */
  put(tier: FleetTier, waiting: WaitingOperation): Promise<void>;
  /** Takes an operation out; with a token, only if it still waits by that. One that is not there is out already. */
  remove(tier: FleetTier, place: QueuePlace, taskToken?: string): Promise<void>;
  /** Those that wait, first come first, at most `limit`, from behind a place. */
  list(tier: FleetTier, limit: number, behind?: QueuePlace): Promise<WaitingOperation[]>;
  /** Counted from 1, up to {@link MOST_COUNTED}, which is that place or a later one; undefined when it does not wait. */
  position(tier: FleetTier, place: QueuePlace): Promise<number | undefined>;
  /** How many wait, counted up to `most`. */
  count(tier: FleetTier, most: number): Promise<number>;
}
