import { DynamoRefreshLockStore } from '../domain/lease/dynamo-refresh-lock-store.ts';
import { RefreshLock } from '../domain/lease/refresh-lock.ts';
import { DynamoRefreshPlanStore } from '../domain/refresh/dynamo-refresh-plan-store.ts';
import { FleetRefreshes } from '../domain/refresh/fleet-refresh.ts';
import { RefreshReport } from '../domain/refresh/refresh-report.ts';
import { instanceStore, leaseStore, operationCommands, operationLog, table } from './dependencies.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };

export const refreshPlanStore = (environment: HasControlTable) => new DynamoRefreshPlanStore(table(environment));
export const refreshReport = (environment: HasControlTable) =>
  new RefreshReport(refreshPlanStore(environment), operationLog(environment));
export const refreshLock = (environment: HasControlTable) =>
  new RefreshLock(new DynamoRefreshLockStore(table(environment)), operationLog(environment));
export const fleetRefreshes = (environment: HasControlTable & { STATE_MACHINE_ARN_PREFIX: string }) =>
  new FleetRefreshes({
    plans: refreshPlanStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    instances: instanceStore(environment),
    leases: leaseStore(environment),
  });
