import { getLoadReportRoute } from '../../contract/api/materialization-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { loadedSnapshotIn } from '../../domain/materialization/materialization.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

const EXPIRES_IN_SECONDS = 15 * 60;

/** GET /v1/graphs/{graphId}/materializations/{operationId}/report */
export const handler = apiFunction('get-load-report', getLoadReportRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async ({ tenantId, params }) => {
    const reportOf = async (graphId: string, operationId: string): Promise<string | null> => {
      const operation = await operations.find(operationId);
      const isOfGraph = operation?.graphId === graphId && operation.kind === 'graph.materialize';
      if (!isOfGraph || operation.status !== 'partial') return null;
      // The end has a result for people; what the job has made is in the event before it.
      const [published] = await operations.events(operationId, operation.seq - 2, 1);
      return published === undefined ? null : loadedSnapshotIn(published).report;
    };
    const { graphId } = await graphOf(graphs, operations, tenantId, params.graphId);
    const key = await reportOf(graphId, params.operationId);
    if (key === null || (await objects.head(key)) === undefined)
      throw new Refusal('not_found', `"${params.operationId}" has left out no rows of this graph.`);
    const fileName = `${graphId}-rejected.ndjson`;
    const { url, expiresAt } = await objects.signDownload({ key, fileName, expiresInSeconds: EXPIRES_IN_SECONDS });
    return { status: 200, body: { url, expiresAt } };
  };
});
