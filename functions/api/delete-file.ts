import { deleteFileRoute } from '../../contract/api/table-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import type { TableFiles } from '../../domain/table/table-files.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tableFiles } from '../tables.ts';
import { graphInUse } from './table-access.ts';

/** DELETE /v1/graphs/{graphId}/tables/{table}/files/{fileId}: what was staged of it stays. */
export const deleteFile =
  (graphs: GraphStore, operations: OperationLog, files: TableFiles) =>
  async ({ tenantId, params }: ApiRequest<typeof deleteFileRoute>): Promise<ApiResponse> => {
    const { graphId, schema } = await graphInUse(graphs, operations, tenantId, params.graphId);
    const { name: table } = tableNamed(schema, params.table);
    await files.remove({ graphId, table, fileId: params.fileId });
    return { status: 204, body: '' };
  };

export const handler = apiFunction('delete-file', deleteFileRoute, (environment) =>
  deleteFile(graphStore(environment), operationLog(environment), tableFiles(environment)),
);
