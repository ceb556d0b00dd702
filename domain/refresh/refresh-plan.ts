import type { Instance } from '../fleet/instance.ts';
import type { FleetTier } from '../fleet/tier.ts';
import { isManualDrain } from '../lease/manual-drain.ts';
import type { RefreshPolicy } from './refresh.ts';

/** What an operation of kind `fleet.refresh` is asked for. */
export type FleetRefreshRequest = RefreshPolicy & {
  /** The tiers that no other refresh touches meanwhile. */
  tiers: readonly FleetTier[];
  /** These only. Null: every instance of the tiers. */
  instances: readonly string[] | null;
  /** How many instances of a tier are under way at once. */
  maxConcurrent: number;
  /** So many instances must have come up with an image before more than so many are under way with it. */
  canary: number;
};

/** The plan is one item of the control table; this many instances fit into it with room to spare. */
export const MOST_PLANNED = 1_000;

/** Instances of tenants, then shared ones that hold no graph and only answer for others, then those that hold them. */
const STAGES = { tenants: 0, sharedReplica: 1, sharedWriter: 2 } as const;

/** An instance at its place in the order. */
export type PlannedInstance = Pick<Instance, 'instanceId' | 'tier' | 'generation' | 'busyCount'> & {
  /** No instance is begun before all of the stages before its own are over. */
  stage: (typeof STAGES)[keyof typeof STAGES];
  fromImage: string;
  canary: boolean;
  /** Why it is not to be cycled; null: it is. */
  leftOut: { outcome: 'unchanged' | 'skipped'; because: string } | null;
};

/** What a refresh is going to do, in order. It does not change once it is made. */
export type RefreshPlan = {
  /** The image that was wanted of each tier when the plan was made. */
  toImages: Readonly<Partial<Record<FleetTier, string>>>;
  instances: readonly PlannedInstance[];
};

/** The image that an instance is to have. */
export const toImageOf = ({ toImages }: RefreshPlan, { tier }: Pick<PlannedInstance, 'tier'>): string =>
  toImages[tier] ?? '';

/**
 * Puts instances in order: shared ones last, replicas before writers; among the others the idle first, then those that have
 * less at work; the first of each image are its canaries. What needs nothing, or can not be drained, is left out.
 */
export const planOf = (
  instances: readonly Instance[],
  toImages: RefreshPlan['toImages'],
  { canary, forceRestart }: Pick<FleetRefreshRequest, 'canary' | 'forceRestart'>,
): RefreshPlan => {
  const inOrder = instances
    .map((instance) => ({ ...instance, stage: stageOf(instance) }))
    .sort(
      (left, right) =>
        left.stage - right.stage ||
        left.busyCount - right.busyCount ||
        left.used - right.used ||
        (left.instanceId < right.instanceId ? -1 : 1),
    );
  const canaries = new Map<string, number>();
  const planned = inOrder.map((instance): PlannedInstance => {
    const { instanceId, tier, generation, busyCount, stage, image: fromImage } = instance;
    const toImage = toImages[tier] ?? '';
    const leftOut = leftOutOf(instance, toImage, forceRestart);
    const before = canaries.get(toImage) ?? 0;
    if (leftOut === null) canaries.set(toImage, before + 1);
    const isCanary = leftOut === null && before < canary;
    return { instanceId, tier, generation, busyCount, stage, fromImage, canary: isCanary, leftOut };
  });
  return { toImages, instances: planned };
};

const stageOf = ({ tier, used }: Instance): PlannedInstance['stage'] => {
  if (tier !== 'shared') return STAGES.tenants;
  return used === 0 ? STAGES.sharedReplica : STAGES.sharedWriter;
};

const leftOutOf = (
  { state, image, quarantineReason, drain }: Instance,
  toImage: string,
  forceRestart: boolean,
): PlannedInstance['leftOut'] => {
  if (state === 'QUARANTINED') {
    return { outcome: 'skipped', because: `It is in quarantine (${quarantineReason ?? 'silent'}).` };
  }
  if (state === 'LAUNCHING') return { outcome: 'skipped', because: 'It is being launched; ask again once it is up.' };
  if (image === toImage && !forceRestart) return { outcome: 'unchanged', because: 'It has the wanted image.' };
  // Begun, it would fail, and as the first in order, because it is idle, it would be the canary that ends the walk.
  if (drain !== null && isManualDrain(drain.owner)) {
    return { outcome: 'skipped', because: `An operator drains it (${drain.reason}); undrain it and ask again.` };
  }
  return null;
};
