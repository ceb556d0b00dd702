import { CONTROL_TABLE } from '../control-table.ts';

const { byTenant, byState } = CONTROL_TABLE.indexes;

export const auditTenantKey = (tenantId: string): string => `TENANT#${tenantId}#AUDIT`;
/** A day of everybody's entries, `yyyy-mm-dd`. */
export const auditDayKey = (day: string): string => `AUDIT#${day}`;

/** What makes an item an entry of the audit: its places in the indexes, by tenant and by day. */
export const auditKeys = (entry: { at: string; auditId: string; tenantId: string | null }): Record<string, string> => ({
  ...(entry.tenantId !== null && {
    [byTenant.partitionKey]: auditTenantKey(entry.tenantId),
    [byTenant.sortKey]: `${entry.at}#${entry.auditId}`,
  }),
  [byState.partitionKey]: auditDayKey(entry.at.slice(0, 'yyyy-mm-dd'.length)),
  [byState.sortKey]: `${entry.at}#${entry.auditId}`,
});
