import { operationIdOfWriter } from '../../domain/graph/graph.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { snapshotPrefix, unpublishedSnapshots } from '../../domain/snapshot/snapshot.ts';
import { loadReportsPrefix, unpublishedParts } from '../../domain/table/staging.ts';
import { partsPrefix } from '../../domain/table/table.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { reportLineage } from '../wiring/lineage.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableStore, tables } from '../wiring/table.ts';

/**
 * Undoes ClaimGraph, and what LoadGraph has uploaded under the claims: first the files, or they were somebody else's. The
 * catalogue, if there is one, hears that nothing came of it.
 */
export const handler = stepFunction('release-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const writers = graphWriters(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  const operations = operationLog(environment);
  const store = tableStore(environment);
  const changes = tables(environment);

  const releaseTables = async (operationId: string, graphId: string, at: string): Promise<void> => {
    const claimed = (await store.list(graphId)).filter(({ writer }) => writer === operationId);
    for (const table of claimed) {
      const keys = await objects.list(partsPrefix(graphId, table.table));
      for (const key of unpublishedParts(table, keys)) await objects.remove(key);
    }
    await changes.releaseAll(graphId, operationId, at);
  };

  const tellLineage = reportLineage(environment);
  return async ({ operationId, graphId }) => {
    const { tenantId, undo } = await operations.last(operationId);
    const type = undo?.ending === 'cancelled' ? 'ABORT' : 'FAIL';
    const error = undo?.error?.message ?? null;
    const at = new Date().toISOString();
    await tellLineage({ type, at, operationId, tenantId, graphId, inputs: [], output: null, error });
    for (const key of await objects.list(loadReportsPrefix(graphId, operationId))) await objects.remove(key);
    await releaseTables(operationId, graphId, at);
    const graph = await graphs.get(graphId);
    if (!graph?.writer || operationIdOfWriter(graph.writer) !== operationId) return;
    const keys = await objects.list(snapshotPrefix(graphId));
    for (const key of unpublishedSnapshots(graphId, graph.snapshot?.version ?? 0, keys)) await objects.remove(key);
    await writers.release(graphId, operationId);
  };
});
