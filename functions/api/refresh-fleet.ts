import { refreshFleetRoute } from '../../contract/api/refresh-routes.ts';
import type { FleetTier } from '../../domain/fleet/tier.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { Occupancy } from '../../domain/lease/occupancy.ts';
import { FLEET_TENANT } from '../../domain/operation/operation.ts';
import { planRefresh, tiersOf } from '../../domain/refresh/plan-refresh.ts';
import type { FleetRefreshRequest, RefreshPlan } from '../../domain/refresh/refresh-plan.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { refreshPlanView } from '../views/refresh-view.ts';
import { instanceStore, tierStore } from '../wiring/fleet.ts';
import { leaseStore, refreshLock } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** POST /v1/fleet/refreshes: rolls out what is wanted of the tiers; a dry run tells what it would do. */
export const handler = apiFunction('refresh-fleet', refreshFleetRoute, (environment) => {
  const instances = instanceStore(environment);
  const tiers = tierStore(environment);
  const leases = leaseStore(environment);
  const lock = refreshLock(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);

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

  return async ({ body, tenantId, actor, idempotencyKey }) => {
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
});
