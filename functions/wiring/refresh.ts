import { DynamoRefreshPlanStore } from '../../domain/refresh/dynamo-refresh-plan-store.ts';
import { FleetRefreshes } from '../../domain/refresh/fleet-refresh.ts';
import { RefreshReport } from '../../domain/refresh/refresh-report.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasWorkflows } from './environment.ts';
import { instanceStore } from './fleet.ts';
import { leaseStore } from './lease.ts';
import { operationCommands, operationLog } from './operation.ts';

export const refreshPlanStore = (environment: HasControlTable) => new DynamoRefreshPlanStore(table(environment));
export const refreshReport = (environment: HasControlTable) =>
  new RefreshReport(refreshPlanStore(environment), operationLog(environment));
export const fleetRefreshes = (environment: HasControlTable & HasWorkflows) =>
  new FleetRefreshes({
    plans: refreshPlanStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    instances: instanceStore(environment),
    leases: leaseStore(environment),
  });
