import type { Construct } from 'constructs';
import { type EnvironmentOf, type FUNCTIONS, type FunctionName, functionReference } from '../../contract/functions.ts';
import type { ControlTable } from '../data/control-table.ts';
import type { BucketPermission, SnapshotBucket } from '../data/snapshot-bucket.ts';
import type { TablePermission } from '../data/table-permissions.ts';
import { type FunctionSettings, GraphfleetFunction } from './graphfleet-function.ts';

type Folder = (typeof FUNCTIONS)[FunctionName]['folder'];
type FunctionIn<F extends Folder> = {
  [N in FunctionName]: (typeof FUNCTIONS)[N]['folder'] extends F ? N : never;
}[FunctionName];

/** A function's variables, and beside them all that it may do with what Graphfleet keeps. */
type Row<Name extends FunctionName> = {
  readonly environment: EnvironmentOf<Name>;
  readonly may: readonly TablePermission[];
  readonly mayInBucket?: readonly BucketPermission[];
};

/** All functions of a folder; one that is missing does not compile. */
export type FunctionTable<F extends Folder> = { readonly [Name in FunctionIn<F>]: Row<Name> };
export type Functions<F extends Folder> = { readonly [Name in FunctionIn<F>]: GraphfleetFunction<Name> };

export type Stores = { readonly controlTable: ControlTable; readonly snapshots: SnapshotBucket };

/** Makes the functions of a table, each allowed what its row says. */
export const makeFunctions = <F extends Folder>(
  scope: Construct,
  table: FunctionTable<F>,
  { controlTable, snapshots }: Stores,
  settings: FunctionSettings,
): Functions<F> => {
  const rows = Object.entries(table) as [FunctionIn<F>, Row<FunctionName>][];
  const functions = rows.map(([name, { environment, may, mayInBucket = [] }]) => {
    const made = new GraphfleetFunction<FunctionName>(scope, functionReference(name), { name, environment, settings });
    for (const permission of may) controlTable.grant(made.role, permission);
    for (const permission of mayInBucket) snapshots.grant(made.role, permission);
    return [name, made] as const;
  });
  return Object.fromEntries(functions) as unknown as Functions<F>;
};
