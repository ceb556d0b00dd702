import { LeaseReaper } from '../../domain/lease/lease-reaper.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measure } from '../telemetry/metrics.ts';
import { instanceWaits, leaseStore, leases } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

/** So many instances have their leases looked through in a run, and so many operations their wait for one. */
const INSTANCES_A_RUN = 50;
const WAITS_A_RUN = 50;

/** Ends leases and drains that their operations left behind, and wakes operations whose instance is open and did not wake them. */
export const handler = scheduledFunction('watch-leases', (environment) => {
  const reaper = new LeaseReaper(leaseStore(environment), leases(environment), operationLog(environment));
  const waits = instanceWaits(environment);
  const rotations = rotationStore(environment);
  return async () => {
    const { oldestMs, ...turn } = await reaper.takeTurn(rotations, INSTANCES_A_RUN);
    measure('OldestLease', oldestMs / 1_000);
    measure('LeasesReaped', turn.reaped);
    return { ...turn, woken: await waits.takeTurn(rotations, WAITS_A_RUN) };
  };
});
