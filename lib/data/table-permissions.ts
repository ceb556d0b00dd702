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
  findsFailedUndos: { actions: ['Query'], items: 'OP#UNDO_FAILED', index: byState.name },
  recordsAudit: { actions: ['PutItem', 'UpdateItem'], items: 'AUDIT#*', index: null },
  listsAudit: { actions: ['Query'], items: 'AUDIT#*', index: byState.name },
  listsAuditOfTenants: { actions: ['Query'], items: 'TENANT#*#AUDIT', index: byTenant.name },
  countsCommands: { actions: ['UpdateItem'], items: 'TENANT#*', index: null },
  countsQueries: { actions: ['UpdateItem'], items: 'QUERIES#*', index: null },
  countsStreams: { actions: ['GetItem', 'UpdateItem'], items: 'TENANT#*', index: null },
  keepsRotations: { actions: ['GetItem', 'PutItem'], items: 'ROTATIONS', index: null },

  readsGraphs: { actions: ['GetItem'], items: 'GRAPH#*', index: null },
  createsGraphs: { actions: ['PutItem'], items: 'GRAPH#*', index: null },
  changesGraphs: { actions: ['UpdateItem'], items: 'GRAPH#*', index: null },
  removesGraphs: { actions: ['DeleteItem'], items: 'GRAPH#*', index: null },
  listsGraphs: { actions: ['Query'], items: 'TENANT#*#GRAPH', index: byTenant.name },

  readsTables: { actions: ['GetItem', 'Query'], items: 'GRAPH#*', index: null },
  changesTables: { actions: ['PutItem'], items: 'GRAPH#*', index: null },
  findsStaleGraphs: { actions: ['Query'], items: 'GRAPH#STALE', index: byState.name },
  readsFiles: { actions: ['GetItem', 'Query'], items: 'GRAPH#*', index: null },
  keepsFiles: { actions: ['PutItem', 'UpdateItem'], items: 'GRAPH#*', index: null },
  changesFiles: { actions: ['UpdateItem'], items: 'GRAPH#*', index: null },
  removesFiles: { actions: ['UpdateItem', 'DeleteItem'], items: 'GRAPH#*', index: null },

  readsBackups: { actions: ['GetItem', 'Query'], items: 'GRAPH#*', index: null },
  keepsBackups: { actions: ['PutItem'], items: 'GRAPH#*', index: null },
  forgetsBackups: { actions: ['DeleteItem'], items: 'GRAPH#*', index: null },
  findsPastBackups: { actions: ['Query'], items: 'BACKUPS', index: byState.name },

  findsProvisioningGraphs: { actions: ['Query'], items: 'GRAPH#PROVISIONING', index: byState.name },

  readsInstances: { actions: ['GetItem'], items: 'INSTANCE#*', index: null },
  changesInstances: { actions: ['UpdateItem'], items: 'INSTANCE#*', index: null },
  entersInstanceWaits: { actions: ['PutItem'], items: 'INSTANCE#*', index: null },
  leavesInstanceWaits: { actions: ['DeleteItem'], items: 'INSTANCE#*', index: null },
  listsInstanceWaits: { actions: ['Query'], items: 'INSTANCE#*', index: null },
  findsInstances: { actions: ['Query'], items: 'INSTANCE#*', index: byState.name },

  readsAccounts: { actions: ['GetItem'], items: 'TENANT#*', index: null },
  changesAccounts: { actions: ['UpdateItem'], items: 'TENANT#*', index: null },
  putsIntoAccounts: { actions: ['PutItem'], items: 'TENANT#*', index: null },
  settlesCredits: { actions: ['GetItem', 'PutItem'], items: 'TENANT#*', index: null },
  findsDueSubscriptions: { actions: ['Query'], items: 'SUBSCRIPTION#DUE', index: byState.name },
  receivesWebhooks: { actions: ['PutItem'], items: 'WEBHOOK#*', index: null },
  processesWebhooks: { actions: ['UpdateItem'], items: 'WEBHOOK#*', index: null },
  readsWebhooks: { actions: ['GetItem'], items: 'WEBHOOK#*', index: null },
  findsWebhooks: { actions: ['Query'], items: 'WEBHOOK#*', index: byState.name },
  reportsLineage: { actions: ['PutItem'], items: 'LINEAGE#*', index: null },
  deliversLineage: { actions: ['UpdateItem'], items: 'LINEAGE#*', index: null },
  readsLineage: { actions: ['GetItem'], items: 'LINEAGE#*', index: null },
  findsLineage: { actions: ['Query'], items: 'LINEAGE#*', index: byState.name },
  readsFlags: { actions: ['GetItem'], items: 'FLAGS', index: null },
  setsFlags: { actions: ['PutItem'], items: 'FLAGS', index: null },

  readsRepositories: { actions: ['GetItem'], items: 'REPOSITORY#*', index: null },
  changesRepositories: { actions: ['UpdateItem'], items: 'REPOSITORY#*', index: null },
  readsAccesses: { actions: ['GetItem'], items: 'ACCESS#*', index: null },
  grantsAccesses: { actions: ['PutItem'], items: 'ACCESS#*', index: null },
  changesAccesses: { actions: ['UpdateItem'], items: 'ACCESS#*', index: null },
  removesAccesses: { actions: ['DeleteItem'], items: 'ACCESS#*', index: null },
  findsUnsettledAccesses: { actions: ['Query'], items: 'ACCESS#UNSETTLED', index: byState.name },

  removesInstances: { actions: ['DeleteItem'], items: 'INSTANCE#*', index: null },
  readsQueues: { actions: ['GetItem', 'Query'], items: 'TIER#*', index: null },
  entersQueues: { actions: ['PutItem'], items: 'TIER#*', index: null },
  leavesQueues: { actions: ['DeleteItem'], items: 'TIER#*', index: null },

  readsPauses: { actions: ['GetItem'], items: 'TIER#*', index: null },
  setsPauses: { actions: ['PutItem'], items: 'TIER#*', index: null },
  endsPauses: { actions: ['DeleteItem'], items: 'TIER#*', index: null },
  readsPlans: { actions: ['GetItem', 'Query'], items: 'OP#*', index: null },
  keepsPlans: { actions: ['GetItem', 'PutItem'], items: 'OP#*', index: null },
  locksTiers: { actions: ['GetItem', 'PutItem', 'DeleteItem'], items: 'TIER#*', index: null },
  unlocksTiers: { actions: ['DeleteItem'], items: 'TIER#*', index: null },

  setsTiers: { actions: ['UpdateItem'], items: 'TIERS', index: null },
  readsTiers: { actions: ['GetItem', 'Query'], items: 'TIERS', index: null },
} as const satisfies Record<string, Definition>;

export type TablePermission = keyof typeof TABLE_PERMISSIONS;
