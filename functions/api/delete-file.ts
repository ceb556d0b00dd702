import { deleteFileRoute } from '../../contract/api/table-routes.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import { graphInUse } from '../access/table-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableFiles } from '../wiring/table.ts';

/** DELETE /v1/graphs/{graphId}/tables/{table}/files/{fileId}: what was staged of it stays. */
export const handler = apiFunction('delete-file', deleteFileRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const files = tableFiles(environment);
  return async ({ tenantId, params }) => {
    const { graphId, schema } = await graphInUse(graphs, operations, tenantId, params.graphId);
    const { name: table } = tableNamed(schema, params.table);
    await files.remove({ graphId, table, fileId: params.fileId });
    return { status: 204, body: '' };
  };
});
