import { DynamoAuditStore } from '../../domain/audit/dynamo-audit-store.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';

export const auditStore = (environment: HasControlTable) => new DynamoAuditStore(table(environment));
