import { listTablesRoute } from '../../contract/api/table-routes.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import { emptyTable } from '../../domain/table/table.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { tableView } from '../views/table-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableFileStore, tableStore, tables } from '../wiring/table.ts';

/** GET /v1/graphs/{graphId}/tables: all of them; their number is limited. */
export const handler = apiFunction('list-tables', listTablesRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const files = tableFileStore(environment);
  return async ({ tenantId, params }) => {
    const { graphId, schema } = await graphOf(graphs, operations, tenantId, params.graphId);
    const [kept, pending] = await Promise.all([store.list(graphId), files.countPending(graphId)]);
    const views = tablesOf(schema).map(async (known) => {
      const table = kept.find((candidate) => candidate.table === known.name) ?? emptyTable(graphId, known.name);
      const holder = await changes.holderOf(table);
      return tableView(known, { table, holder, pendingFiles: pending.get(known.name) ?? 0 });
    });
    return { status: 200, body: { tables: await Promise.all(views) } };
  };
});
