import { Retryable } from '../../domain/failure.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { Snapshot } from '../../domain/snapshot/snapshot.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';

type Dependencies = { cache: SnapshotCache; graphs: Pick<GraphStore, 'get'> };

/**
 * Lends the file of a snapshot that is a graph's current one. It may be replaced before the file is here, and is removed some
 * time later; from then on until `read` is done it stays.
 * @throws {Retryable} `conflict` when it could not be lent, and is not the current one any more
 */
export const lendCurrent = async <Result>(
  { cache, graphs }: Dependencies,
  graphId: string,
  snapshot: Snapshot,
  read: (file: string) => Promise<Result>,
): Promise<Result> => {
  let isLent = false;
  const readLent = (file: string): Promise<Result> => {
    isLent = true;
    return read(file);
  };
  try {
    return await cache.lend(graphId, snapshot, readLent);
  } catch (error) {
    if (isLent || (await graphs.get(graphId))?.snapshot?.key === snapshot.key) throw error;
    throw new Retryable('conflict', `The snapshot of "${graphId}" was replaced while it was read.`, { cause: error });
  }
};
