import type { InstanceView, TierView } from '../../contract/api/fleet-routes.ts';
import type { Instance } from '../../domain/fleet/instance.ts';
import type { Tier } from '../../domain/fleet/tier.ts';
import { operationIdOfLease } from '../../domain/lease/lease.ts';
import type { LeaseStore } from '../../domain/lease/lease-store.ts';
import { isManualDrain } from '../../domain/lease/manual-drain.ts';
import type { Occupancy } from '../../domain/lease/occupancy.ts';

const READ_AT_ONCE = 25;

/** @param leases by lease id: of one moment with the instance, or of one soon after */
const instanceView = (instance: Instance, leases: Occupancy['leases']): InstanceView => {
  const { instanceId, tier, state, quarantineReason, used, capacity, generation, image, heartbeatAt, drain } = instance;
  const held = Object.entries(leases)
    .map(([leaseId, { kind, acquiredAt }]) => ({ operationId: operationIdOfLease(leaseId), kind, acquiredAt }))
    .sort((one, other) => (one.acquiredAt < other.acquiredAt ? -1 : 1));
  return {
    instanceId,
    tier,
    state,
    quarantineReason,
    busyCount: held.length,
    leases: held,
    used,
    capacity,
    generation,
    image,
    heartbeatAt,
    drain: drain && {
      operationId: isManualDrain(drain.owner) ? null : operationIdOfLease(drain.owner),
      reason: drain.reason,
      since: drain.since,
    },
  };
};

/** Instances with what is at work on them. */
export const instanceViews = async (
  instances: readonly Instance[],
  leases: Pick<LeaseStore, 'get'>,
): Promise<InstanceView[]> => {
  const views: InstanceView[] = [];
  for (let at = 0; at < instances.length; at += READ_AT_ONCE) {
    const some = instances.slice(at, at + READ_AT_ONCE);
    const read = some.map(async (instance) => {
      const held = instance.busyCount === 0 ? undefined : await leases.get(instance.instanceId);
      return instanceView(instance, held?.leases ?? {});
    });
    views.push(...(await Promise.all(read)));
  }
  return views;
};

export const tierView = ({ tier, minInstances, maxInstances, capacity, approval = false, image }: Tier): TierView => ({
  tier,
  minInstances,
  maxInstances,
  capacity,
  approval,
  image: image ?? null,
});
