import { operationIdOfWriter } from '../../domain/graph/graph.ts';
import { unpublishedSnapshots } from '../../domain/materialization/materialization.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { snapshotPrefix } from '../../domain/snapshot/snapshot.ts';
import { loadReportKey } from '../../domain/table/staging.ts';
import { graphStore, graphWriters, operationLog } from '../dependencies.ts';
import { reportLineage } from '../lineage.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/**
 * Undoes ClaimGraph, and what LoadGraph has uploaded under the claim: first the files, or they were somebody else's. The
 * catalogue, if there is one, hears that nothing came of it.
 */
export const handler = stepFunction('release-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const writers = graphWriters(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  const operations = operationLog(environment);
  const tellLineage = reportLineage(environment);
  return async ({ operationId, graphId }) => {
    const { tenantId, undo } = await operations.last(operationId);
    const type = undo?.ending === 'cancelled' ? 'ABORT' : 'FAIL';
    const error = undo?.error?.message ?? null;
    const at = new Date().toISOString();
    await tellLineage({ type, at, operationId, tenantId, graphId, inputs: [], output: null, error });
    await objects.remove(loadReportKey(graphId, operationId));
    const graph = await graphs.get(graphId);
    if (!graph?.writer || operationIdOfWriter(graph.writer) !== operationId) return;
    const keys = await objects.list(snapshotPrefix(graphId));
    for (const key of unpublishedSnapshots(graphId, graph.snapshot?.version ?? 0, keys)) await objects.remove(key);
    await writers.release(graphId, operationId);
  };
});
