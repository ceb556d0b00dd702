import { ulid } from 'ulid';
import { DynamoInstanceWaitStore } from '../../domain/lease/dynamo-instance-wait-store.ts';
import { DynamoLeaseStore } from '../../domain/lease/dynamo-lease-store.ts';
import { DynamoRefreshLockStore } from '../../domain/lease/dynamo-refresh-lock-store.ts';
import { DynamoWritePauseStore } from '../../domain/lease/dynamo-write-pause-store.ts';
import { InstanceWaits } from '../../domain/lease/instance-waits.ts';
import { Leases } from '../../domain/lease/leases.ts';
import { ManualDrains } from '../../domain/lease/manual-drain.ts';
import { RefreshLock } from '../../domain/lease/refresh-lock.ts';
import { PauseGate } from '../../domain/lease/write-pause.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { table } from './control-table.ts';
import type { HasControlTable } from './environment.ts';
import { operationLog } from './operation.ts';

export const leaseStore = (environment: HasControlTable) => new DynamoLeaseStore(table(environment));
export const leases = (environment: HasControlTable) =>
  new Leases(leaseStore(environment), new StepFunctionsWaitingTasks());
export const manualDrains = (environment: HasControlTable) =>
  new ManualDrains(leaseStore(environment), () => ulid().toLowerCase());
export const instanceWaits = (environment: HasControlTable) =>
  new InstanceWaits({
    waits: new DynamoInstanceWaitStore(table(environment)),
    leases: leaseStore(environment),
    operations: operationLog(environment),
    tasks: new StepFunctionsWaitingTasks(),
  });
export const refreshLock = (environment: HasControlTable) =>
  new RefreshLock(new DynamoRefreshLockStore(table(environment)), operationLog(environment));

export const writePauses = (environment: HasControlTable) => new DynamoWritePauseStore(table(environment));
let gate: PauseGate | undefined;
/** One for all that run in a process, as what it knows is the same for all. */
export const pauseGate = (environment: HasControlTable) => {
  gate ??= new PauseGate(writePauses(environment));
  return gate;
};
