import { getFileRoute } from '../../contract/api/table-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import type { TableFiles } from '../../domain/table/table-files.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tableFiles } from '../tables.ts';
import { fileView } from '../views/table-view.ts';
import { graphOf } from './tenant-access.ts';

/** GET /v1/graphs/{graphId}/tables/{table}/files/{fileId} */
export const getFile =
  (graphs: GraphStore, operations: OperationLog, files: TableFiles) =>
  async ({ tenantId, params }: ApiRequest<typeof getFileRoute>): Promise<ApiResponse> => {
    const { graphId, schema } = await graphOf(graphs, operations, tenantId, params.graphId);
    const { name: table } = tableNamed(schema, params.table);
    return { status: 200, body: fileView(await files.get({ graphId, table, fileId: params.fileId }, new Date())) };
  };

export const handler = apiFunction('get-file', getFileRoute, (environment) =>
  getFile(graphStore(environment), operationLog(environment), tableFiles(environment)),
);
