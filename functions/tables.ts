import { openObjectStore } from '../domain/snapshot/open-object-store.ts';
import { removeAll } from '../domain/snapshot/remove-all.ts';
import { DynamoTableFileStore } from '../domain/table/dynamo-table-file-store.ts';
import { partsPrefix } from '../domain/table/table.ts';
import { TableFiles } from '../domain/table/table-files.ts';
import { Tables } from '../domain/table/tables.ts';
import { graphStore, operationLog, table, tableStore } from './dependencies.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };

export const tableFileStore = (environment: HasControlTable) => new DynamoTableFileStore(table(environment));
export const tables = (environment: HasControlTable) => new Tables(tableStore(environment), operationLog(environment));
/** Removes all that is kept of the tables of a graph that came to nothing; of one that came to be used nothing. */
export const forgetsTables = (environment: HasControlTable & { OBJECT_STORE_URL: string }) => {
  const graphs = graphStore(environment);
  const store = tableStore(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  return async (graphId: string): Promise<void> => {
    const status = (await graphs.get(graphId))?.status;
    if (status !== undefined && status !== 'provisioning') return;
    await store.erase(graphId, Number.POSITIVE_INFINITY);
    await removeAll(objects, partsPrefix(graphId));
  };
};

export const tableFiles = (environment: HasControlTable & { OBJECT_STORE_URL: string }) =>
  new TableFiles({
    files: tableFileStore(environment),
    objects: openObjectStore(environment.OBJECT_STORE_URL),
    tables: tables(environment),
    store: tableStore(environment),
  });
