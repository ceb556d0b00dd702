import { refreshFleetRoute } from '../../contract/api/refresh-routes.ts';
import type { InstanceStore } from '../../domain/fleet/instance.ts';
import type { FleetTier, TierStore } from '../../domain/fleet/tier.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { Occupancy } from '../../domain/lease/lease.ts';
import type { LeaseStore } from '../../domain/lease/lease-store.ts';
import type { RefreshLock } from '../../domain/lease/refresh-lock.ts';
import { FLEET_TENANT } from '../../domain/operation/operation.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { planRefresh, tiersOf } from '../../domain/refresh/plan-refresh.ts';
import type { FleetRefreshRequest, RefreshPlan } from '../../domain/refresh/refresh-plan.ts';
import { instanceStore, leaseStore, operationCommands, operationLog, tierStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { refreshLock } from '../refreshes.ts';
import { accepted } from '../views/operation-view.ts';
import { refreshPlanView } from '../views/refresh-view.ts';

type Dependencies = {
  instances: InstanceStore;
  tiers: TierStore;
  leases: Pick<LeaseStore, 'get'>;
  lock: RefreshLock;
  operations: OperationLog;
  commands: OperationCommands;
};

/** POST /v1/fleet/refreshes: rolls out what is wanted of the tiers; a dry run tells what it would do. */
export const refreshFleet = ({ instances, tiers, leases, lock, operations, commands }: Dependencies) => {
  const occupancies = async ({ instances: planned }: RefreshPlan): Promise<Map<string, Occupancy>> => {
    const busy = planned.filter(({ busyCount }) => busyCount > 0);
    const found = await Promise.all(busy.map(({ instanceId }) => leases.get(instanceId)));
    return new Map(found.flatMap((occupancy) => (occupancy ? [[occupancy.instanceId, occupancy] as const] : [])));
  };

  /** Here already, so that a second refresh is refused when it is asked for; the workflow makes sure. */
  const lockAll = async (wanted: readonly FleetTier[], operationId: string): Promise<void> => {
    const taken: FleetTier[] = [];
    try {
      for (const tier of wanted) {
        await lock.take(tier, operationId);
        taken.push(tier);
      }
    } catch (error) {
      for (const tier of taken) await lock.free(tier, operationId);
      throw error;
    }
  };

  return async ({
    body,
    tenantId,
    actor,
    idempotencyKey,
  }: ApiRequest<typeof refreshFleetRoute>): Promise<ApiResponse> => {
    const { dryRun, ...asked } = body;
    // The key is the operator's, whatever the fleet's other operators call theirs.
    const operationId = operationIdFor(`~fleet ${tenantId}`, idempotencyKey);
    const operation = { operationId, kind: 'fleet.refresh', tenantId: FLEET_TENANT, graphId: null, actor } as const;
    // A repeated call gets the first one's answer, whatever the fleet is by now.
    if (!dryRun && (await operations.find(operationId)) !== undefined) {
      return accepted(await commands.accept({ ...operation, request: null, body: asked }));
    }
    const request: FleetRefreshRequest = { ...asked, tiers: await tiersOf({ instances }, asked) };
    const plan = await planRefresh({ instances, tiers }, request);
    if (dryRun) return { status: 200, body: refreshPlanView(plan, await occupancies(plan)) };
    await lockAll(request.tiers, operationId);
    return accepted(await commands.accept({ ...operation, request, body: asked }));
  };
};

export const handler = apiFunction('refresh-fleet', refreshFleetRoute, (environment) =>
  refreshFleet({
    instances: instanceStore(environment),
    tiers: tierStore(environment),
    leases: leaseStore(environment),
    lock: refreshLock(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
  }),
);
