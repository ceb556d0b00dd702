import { listTablesRoute } from '../../contract/api/table-routes.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import { emptyTable, type TableStore } from '../../domain/table/table.ts';
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

/** GET /v1/graphs/{graphId}/tables: all of them; their number is limited. */
export const listTables =
  ({ graphs, operations, store, changes, files }: Dependencies) =>
  async ({ tenantId, params }: ApiRequest<typeof listTablesRoute>): Promise<ApiResponse> => {
    const { graphId, schema } = await graphOf(graphs, operations, tenantId, params.graphId);
    const [kept, pending] = await Promise.all([store.list(graphId), files.countPending(graphId)]);
    const views = tablesOf(schema).map(async (known) => {
      const table = kept.find((candidate) => candidate.table === known.name) ?? emptyTable(graphId, known.name);
      const holder = await changes.holderOf(table);
      return tableView(known, { table, holder, pendingFiles: pending.get(known.name) ?? 0 });
    });
    return { status: 200, body: { tables: await Promise.all(views) } };
  };

export const handler = apiFunction('list-tables', listTablesRoute, (environment) =>
  listTables({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    store: tableStore(environment),
    changes: tables(environment),
    files: tableFileStore(environment),
  }),
);
