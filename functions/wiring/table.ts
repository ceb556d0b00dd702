import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { DynamoTableFileStore } from '../../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../../domain/table/dynamo-table-store.ts';
import { TableFiles } from '../../domain/table/table-files.ts';
import { Tables } from '../../domain/table/tables.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasObjects } from './environment.ts';
import { operationLog } from './operation.ts';

export const tableStore = (environment: HasControlTable) => new DynamoTableStore(table(environment));
export const tables = (environment: HasControlTable) => new Tables(tableStore(environment), operationLog(environment));
export const tableFileStore = (environment: HasControlTable) => new DynamoTableFileStore(table(environment));
export const tableFiles = (environment: HasControlTable & HasObjects) =>
  new TableFiles({
    files: tableFileStore(environment),
    objects: openObjectStore(environment.OBJECT_STORE_URL),
    tables: tables(environment),
    store: tableStore(environment),
  });
