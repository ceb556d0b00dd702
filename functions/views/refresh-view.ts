import type { RefreshedInstanceView, RefreshPlanView } from '../../contract/api/refresh-routes.ts';
import { operationIdOfLease } from '../../domain/lease/lease.ts';
import type { Occupancy } from '../../domain/lease/occupancy.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { type PlannedInstance, type RefreshPlan, toImageOf } from '../../domain/refresh/refresh-plan.ts';
import type { ReportedInstance } from '../../domain/refresh/refresh-report.ts';
import { isUnderWay } from '../../domain/refresh/refresh-walk.ts';

/** A plan for whoever only asks what would be done. @param occupancies of the busy instances */
export const refreshPlanView = (plan: RefreshPlan, occupancies: ReadonlyMap<string, Occupancy>): RefreshPlanView => {
  const instances = plan.instances.map((instance, place): RefreshPlanView['instances'][number] => {
    const { instanceId, tier, canary, fromImage, leftOut } = instance;
    const occupancy = occupancies.get(instanceId);
    return {
      order: place + 1,
      ...{ instanceId, tier, canary, fromImage },
      toImage: toImageOf(plan, instance),
      action: actionOf(instance),
      because: leftOut?.because ?? null,
      busyCount: occupancy?.busyCount ?? instance.busyCount,
      leases: Object.entries(occupancy?.leases ?? {}).map(([leaseId, { kind, acquiredAt }]) => ({
        operationId: operationIdOfLease(leaseId),
        kind,
        acquiredAt,
      })),
    };
  });
  const those = (action: string) => instances.filter((instance) => instance.action === action);
  return {
    total: instances.length,
    cycle: those('cycle').length,
    busy: those('cycle').filter(({ busyCount }) => busyCount > 0).length,
    unchanged: those('unchanged').length,
    skip: those('skip').length,
    instances,
  };
};

const actionOf = ({ leftOut }: PlannedInstance) => {
  if (leftOut === null) return 'cycle';
  return leftOut.outcome === 'unchanged' ? 'unchanged' : 'skip';
};

/** @param operation that refreshes it, while it is under way */
export const refreshedInstanceView = (
  { place, instance, step, toImage, operationId, result }: ReportedInstance,
  operation: Operation | undefined,
): RefreshedInstanceView => {
  const { instanceId, tier, canary, fromImage, leftOut } = instance;
  return {
    order: place + 1,
    ...{ instanceId, tier, canary, toImage },
    fromImage: result?.fromImage ?? fromImage,
    status: result !== null ? 'over' : isUnderWay(step) ? 'under_way' : 'waiting',
    operationId,
    operationStatus: operation?.status ?? null,
    message: operation?.message ?? result?.error?.message ?? leftOut?.because ?? null,
    since: result === null && isUnderWay(step) ? step.since : null,
    outcome: result?.outcome ?? null,
    waitedMs: result?.waitedMs ?? null,
    busyAtStart: result?.busyAtStart ?? null,
    interrupted: [...(result?.interrupted ?? [])],
    error: result?.error ?? null,
  };
};
