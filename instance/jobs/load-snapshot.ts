import { Refusal } from '../../domain/failure.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import type { JobWork } from './job-runner.ts';

type Dependencies = { cache: SnapshotCache; operations: OperationLog };

/** Fetches a snapshot, checks it and opens it, so that the first query that comes here need not wait for that. */
export const loadSnapshot =
  ({ cache, operations }: Dependencies): JobWork<'load-snapshot'> =>
  async ({ operationId, graphId, snapshot }, signal) => {
    const last = await operations.last(operationId);
    if (last.status !== 'running') throw new Refusal('operation_over', `The operation is ${last.status}.`);
    await cache.use(graphId, snapshot, async () => {});
    signal.throwIfAborted();
    await operations.append(
      operationId,
      { type: 'step_completed', step: 'loadSnapshot', percent: 60, message: 'Snapshot loaded' },
      last,
    );
  };
