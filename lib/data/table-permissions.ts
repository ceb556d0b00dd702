import { CONTROL_TABLE } from '../../domain/control-table.ts';

const { byTenant, byState } = CONTROL_TABLE.indexes;

type Definition = {
  readonly actions: readonly ('GetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem')[];
  /** The partition keys that it is for, `*` for any text. */
  readonly items: string;
  /** Null: the table itself. */
  readonly index: string | null;
};

/** What may be done with the control table, by what it is for: the actions, and the kind of item by its key. */
export const TABLE_PERMISSIONS = {
  readsLog: { actions: ['GetItem', 'Query'], items: 'OP#*', index: null },
  appendsToLog: { actions: ['PutItem'], items: 'OP#*', index: null },
  listsOperations: { actions: ['Query'], items: 'TENANT#*#OP', index: byTenant.name },
  findsOpenOperations: { actions: ['Query'], items: 'OP#OPEN', index: byState.name },
  keepsRotations: { actions: ['GetItem', 'PutItem'], items: 'ROTATIONS', index: null },

  readsGraphs: { actions: ['GetItem'], items: 'GRAPH#*', index: null },
  createsGraphs: { actions: ['PutItem'], items: 'GRAPH#*', index: null },
  changesGraphs: { actions: ['UpdateItem'], items: 'GRAPH#*', index: null },
  removesGraphs: { actions: ['DeleteItem'], items: 'GRAPH#*', index: null },
  listsGraphs: { actions: ['Query'], items: 'TENANT#*#GRAPH', index: byTenant.name },

  readsInstances: { actions: ['GetItem'], items: 'INSTANCE#*', index: null },
  changesInstances: { actions: ['UpdateItem'], items: 'INSTANCE#*', index: null },
  findsInstances: { actions: ['Query'], items: 'INSTANCE#*', index: byState.name },

  readsTiers: { actions: ['Query'], items: 'TIERS', index: null },
} as const satisfies Record<string, Definition>;

export type TablePermission = keyof typeof TABLE_PERMISSIONS;
