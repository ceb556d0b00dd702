import { DynamoTenantLimits } from '../../domain/limits/dynamo-tenant-limits.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';

export const tenantLimits = (environment: HasControlTable) => new DynamoTenantLimits(table(environment));
