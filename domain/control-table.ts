/**
 * The control table's shape: read by the CDK construct, by the embedded store and by the adapters.
 * Item keys are built in the adapters, one adapter for each kind of item.
 */
export const CONTROL_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  timeToLiveAttribute: 'expiresAt',
  indexes: {
    /** A tenant's graphs or operations, oldest first: `TENANT#<tenant>#GRAPH` or `#OP` / `<created>#<id>`. */
    byTenant: { name: 'by-tenant', partitionKey: 'tenantKey', sortKey: 'createdKey' },
    /** What waits or runs: `OP#OPEN` / `<created>#<id>`, and `INSTANCE#<tier>#<state>` / `<id>`. */
    byState: { name: 'by-state', partitionKey: 'stateKey', sortKey: 'stateOrder' },
  },
} as const;
