/**
 * The control table's shape: read by the CDK construct, by the embedded store and by the adapters.
 * Item keys are built in the adapters, one adapter for each kind of item.
 */
export const CONTROL_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  timeToLiveAttribute: 'expiresAt',
  indexes: {
    /** A tenant's graphs, operations or audit, oldest first: `TENANT#<tenant>#GRAPH`, `#OP` or `#AUDIT` / `<created>#<id>`. */
    byTenant: { name: 'by-tenant', partitionKey: 'tenantKey', sortKey: 'createdKey' },
    /**
     * What waits or runs: `OP#OPEN` / `<created>#<id>`, `GRAPH#PROVISIONING` / `<id>`, `ACCESS#UNSETTLED` /
     * `<tenant>#<repository>`, `GRAPH#STALE` / `<since>#<graph>#<table>`, `BACKUPS` / `<kept until>#<graph>#<id>`, and `INSTANCE#<tier>#<state>` / `<id>`; and everybody's audit:
     * `AUDIT#<day>` / `<at>#<id>`.
     */
    byState: { name: 'by-state', partitionKey: 'stateKey', sortKey: 'stateOrder' },
  },
} as const;
