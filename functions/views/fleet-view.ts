import type { InstanceView, TierView } from '../../contract/api/fleet-routes.ts';
import type { Instance } from '../../domain/fleet/instance.ts';
import type { Tier } from '../../domain/fleet/tier.ts';

export const instanceView = (instance: Instance): InstanceView => {
  const { instanceId, tier, state, quarantineReason, used, capacity, generation, image, heartbeatAt } = instance;
  const slots = { used, capacity, generation, image, heartbeatAt };
  return { instanceId, tier, state, quarantineReason, busyCount: 0, leases: [], ...slots, drain: null };
};

export const tierView = ({ tier, minInstances, maxInstances, capacity, approval = false }: Tier): TierView => ({
  tier,
  minInstances,
  maxInstances,
  capacity,
  approval,
});
