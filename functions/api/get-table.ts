import { getTableRoute } from '../../contract/api/table-routes.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { tableView } from '../views/table-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableFileStore, tableStore, tables } from '../wiring/table.ts';

/** GET /v1/graphs/{graphId}/tables/{table} */
export const handler = apiFunction('get-table', getTableRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const files = tableFileStore(environment);
  return async ({ tenantId, params }) => {
    const { graphId, schema } = await graphOf(graphs, operations, tenantId, params.graphId);
    const known = tableNamed(schema, params.table);
    const [table, pending] = await Promise.all([store.get(graphId, known.name), files.countPending(graphId)]);
    const holder = await changes.holderOf(table);
    return { status: 200, body: tableView(known, { table, holder, pendingFiles: pending.get(known.name) ?? 0 }) };
  };
});
