import { getFileRoute } from '../../contract/api/table-routes.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { fileView } from '../views/table-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableFiles } from '../wiring/table.ts';

/** GET /v1/graphs/{graphId}/tables/{table}/files/{fileId} */
export const handler = apiFunction('get-file', getFileRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const files = tableFiles(environment);
  return async ({ tenantId, params }) => {
    const { graphId, schema } = await graphOf(graphs, operations, tenantId, params.graphId);
    const { name: table } = tableNamed(schema, params.table);
    return { status: 200, body: fileView(await files.get({ graphId, table, fileId: params.fileId }, new Date())) };
  };
});
