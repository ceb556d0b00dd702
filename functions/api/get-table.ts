import { getTableRoute } from '../../contract/api/table-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import type { TableStore } from '../../domain/table/table.ts';
import type { TableFileStore } from '../../domain/table/table-file.ts';
import type { Tables } from '../../domain/table/tables.ts';
import { graphStore, operationLog, tableStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tableFileStore, tables } from '../tables.ts';
import { tableView } from '../views/table-view.ts';
import { graphOf } from './tenant-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  store: TableStore;
  changes: Pick<Tables, 'holderOf'>;
  files: Pick<TableFileStore, 'countPending'>;
};

/** GET /v1/graphs/{graphId}/tables/{table} */
export const getTable =
  ({ graphs, operations, store, changes, files }: Dependencies) =>
  async ({ tenantId, params }: ApiRequest<typeof getTableRoute>): Promise<ApiResponse> => {
    const { graphId, schema } = await graphOf(graphs, operations, tenantId, params.graphId);
    const known = tableNamed(schema, params.table);
    const [table, pending] = await Promise.all([store.get(graphId, known.name), files.countPending(graphId)]);
    const holder = await changes.holderOf(table);
    return { status: 200, body: tableView(known, { table, holder, pendingFiles: pending.get(known.name) ?? 0 }) };
  };

export const handler = apiFunction('get-table', getTableRoute, (environment) =>
  getTable({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    store: tableStore(environment),
    changes: tables(environment),
    files: tableFileStore(environment),
  }),
);
