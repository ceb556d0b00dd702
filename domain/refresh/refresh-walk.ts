import type { OperationError } from '../operation/operation.ts';
import { INSTANCE_OUTCOMES, type InstanceOutcome } from './refresh.ts';
import { type FleetRefreshRequest, type PlannedInstance, type RefreshPlan, toImageOf } from './refresh-plan.ts';

/** An instance that is being refreshed, and its generation when that was begun: a later one tells that it was claimed. */
export type UnderWay = { since: string; generation: number };
/** How far the refresh of one instance is. */
export type WalkStep = 'waiting' | UnderWay | InstanceOutcome;

/** Why no further instance is begun, and what becomes of those that wait. */
export type WalkEnd = {
  outcome: 'skipped' | 'deferred';
  error: OperationError;
  /** By the undo of the refresh: what is under way is called off, too. */
  recalled: boolean;
};

/** How far a refresh is: one step for each instance of the plan, at its place. */
export type Walk = {
  /** Counts its changes: each is made on the one before. */
  version: number;
  steps: readonly WalkStep[];
  end: WalkEnd | null;
};

/** An instance of the plan and how far it is. */
export type WalkedInstance = { place: number; instance: PlannedInstance; step: WalkStep };

export const isUnderWay = (step: WalkStep): step is UnderWay => typeof step === 'object';

export const beginningOf = ({ instances }: RefreshPlan): Walk => ({
  version: 0,
  steps: instances.map(({ leftOut }) => leftOut?.outcome ?? 'waiting'),
  end: null,
});

export const walkedInstances = ({ instances }: RefreshPlan, { steps }: Walk): WalkedInstance[] =>
  instances.map((instance, place) => ({ place, instance, step: steps[place] ?? 'waiting' }));

/** A walk in which some instances have come further. */
export const withSteps = (walk: Walk, steps: ReadonlyMap<number, WalkStep>): Walk => ({
  ...walk,
  steps: walk.steps.map((step, place) => steps.get(place) ?? step),
});

/**
 * The instances to begin next: of the earliest stage that is not over, those that are idle now first, up to
 * `maxConcurrent` of a tier. Until `canary` instances have come up with an image, no more than are lacking are under way
 * with it: one that was left to its work proves nothing, and the next takes its part.
 */
export const nextToBegin = (
  plan: RefreshPlan,
  walk: Walk,
  { maxConcurrent, canary }: Pick<FleetRefreshRequest, 'maxConcurrent' | 'canary'>,
  busyNow: ReadonlyMap<string, number>,
): WalkedInstance[] => {
  if (walk.end !== null) return [];
  const all = walkedInstances(plan, walk);
  const open = all.filter(({ step }) => step === 'waiting' || isUnderWay(step));
  const stage = Math.min(...open.map(({ instance }) => instance.stage));
  const busy = ({ instance }: WalkedInstance) => busyNow.get(instance.instanceId) ?? instance.busyCount;
  const candidates = open
    .filter(({ step, instance }) => step === 'waiting' && instance.stage === stage)
    .sort((left, right) => busy(left) - busy(right) || left.place - right.place);
  const underWay = open.filter(({ step }) => isUnderWay(step));
  const begun: WalkedInstance[] = [];
  for (const candidate of candidates) {
    const { tier } = candidate.instance;
    const toImage = toImageOf(plan, candidate.instance);
    const atWork = [...underWay, ...begun];
    const ofTier = atWork.filter(({ instance }) => instance.tier === tier).length;
    const ofImage = atWork.filter(({ instance }) => toImageOf(plan, instance) === toImage).length;
    const lacking = canary - proofsOf(plan, walk, toImage);
    if (ofTier < maxConcurrent && (lacking <= 0 || ofImage < lacking)) begun.push(candidate);
  }
  return begun;
};

/** How many instances have come up with an image in this refresh. */
const proofsOf = (plan: RefreshPlan, walk: Walk, image: string): number =>
  walkedInstances(plan, walk).filter(
    ({ step, instance }) => (step === 'refreshed' || step === 'forced') && toImageOf(plan, instance) === image,
  ).length;

/**
 * Why the walk ends with a failure: the instance was cycled and did not come up, or nothing has come up with its image
 * before. Null: the next ones may do better.
 */
export const endAfterFailure = (
  plan: RefreshPlan,
  walk: Walk,
  instance: PlannedInstance,
  { canary, wasClaimed }: { canary: number; wasClaimed: boolean },
): WalkEnd | null => {
  const isCanary = proofsOf(plan, walk, toImageOf(plan, instance)) < canary;
  if (!wasClaimed && !isCanary) return null;
  const what = isCanary ? 'the canary' : 'an instance';
  const message = `The refresh went no further after ${what} "${instance.instanceId}" had failed.`;
  return { outcome: 'skipped', error: { code: 'conflict', message, retryable: true }, recalled: false };
};

/** How many instances came to each end; those that wait come to the end of the walk. */
export const countOutcomes = ({ steps, end }: Walk): Record<InstanceOutcome, number> => {
  const counts = Object.fromEntries(INSTANCE_OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    InstanceOutcome,
    number
  >;
  for (const step of steps) {
    const outcome = step === 'waiting' ? end?.outcome : step;
    if (outcome !== undefined && typeof outcome === 'string') counts[outcome] += 1;
  }
  return counts;
};

export const REFRESH_OUTCOMES = ['refreshed', 'unchanged', 'partial', 'deferred', 'failed'] as const;
/**
 * What became of a refresh. `refreshed` and `unchanged`: every instance has what is wanted; `deferred`: none was cycled,
 * because they were at work; `failed`: one failed, and none was cycled well or the walk ended with it; else `partial`.
 */
export type RefreshOutcome = (typeof REFRESH_OUTCOMES)[number];

export const outcomeOf = (walk: Walk): RefreshOutcome => {
  const { refreshed, forced, deferred, skipped, failed } = countOutcomes(walk);
  const cycled = refreshed + forced;
  if (failed > 0) return cycled === 0 || walk.end !== null ? 'failed' : 'partial';
  if (deferred + skipped === 0) return cycled === 0 ? 'unchanged' : 'refreshed';
  return cycled === 0 && skipped === 0 ? 'deferred' : 'partial';
};
