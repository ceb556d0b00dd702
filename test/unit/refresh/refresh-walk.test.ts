import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Instance } from '../../../domain/fleet/instance.ts';
import { FLEET_TIERS } from '../../../domain/fleet/tier.ts';
import { MOST_WAIT_MINUTES } from '../../../domain/refresh/instance-refresh.ts';
import { INSTANCE_OUTCOMES, type InstanceOutcome } from '../../../domain/refresh/refresh.ts';
import { MOST_PLANNED, planOf, type RefreshPlan, toImageOf } from '../../../domain/refresh/refresh-plan.ts';
import { LOOK_AGAIN_SECONDS, WALK_SECONDS } from '../../../domain/refresh/refresh-times.ts';
import {
  beginningOf,
  countOutcomes,
  endAfterFailure,
  isUnderWay,
  nextToBegin,
  outcomeOf,
  type Walk,
  walkedInstances,
  withSteps,
} from '../../../domain/refresh/refresh-walk.ts';

const TO_IMAGES = { standard: 'new', large: 'new', xlarge: 'newest', shared: 'new' } as const;

const instanceOf = (own: Partial<Instance> & { instanceId: string }): Instance =>
  ({
    tier: 'standard',
    state: 'ACTIVE',
    generation: 1,
    image: 'old',
    used: 1,
    busyCount: 0,
    quarantineReason: null,
    drain: null,
    ...own,
  }) as Instance;

const drainOf = (owner: string) => ({ owner, reason: 'A look', since: '2026-11-21T12:00:00.000Z', taskToken: null });

const instances = fc
  .array(
    fc.record({
      tier: fc.constantFrom(...FLEET_TIERS),
      state: fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'DRAINING', 'QUARANTINED', 'LAUNCHING'),
      image: fc.constantFrom('old', 'old', 'new'),
      used: fc.nat(3),
      busyCount: fc.nat(3),
    }),
    { maxLength: 30 },
  )
  .map((all) => all.map((one, at) => instanceOf({ ...one, instanceId: `inst-${at}` })));
const options = fc.record({ maxConcurrent: fc.integer({ min: 1, max: 4 }), canary: fc.nat(3) });
const outcomes = fc.infiniteStream(
  fc.record({
    outcome: fc.constantFrom<InstanceOutcome>(...INSTANCE_OUTCOMES, 'refreshed', 'refreshed', 'refreshed', 'forced'),
    wasClaimed: fc.boolean(),
    which: fc.nat(),
  }),
);

const at = (plan: RefreshPlan, walk: Walk) => walkedInstances(plan, walk).filter(({ step }) => isUnderWay(step));
const begin = (plan: RefreshPlan, walk: Walk, asked: { maxConcurrent: number; canary: number }): Walk => {
  const next = nextToBegin(plan, walk, asked, new Map());
  return withSteps(walk, new Map(next.map(({ place }) => [place, { since: '', generation: 1 }])));
};

/** Every walk there can be, as `each` sees it after each beginning; it comes to its end. */
const walkThrough = (
  [all, asked, ends]: [
    Instance[],
    { maxConcurrent: number; canary: number },
    Iterator<{ outcome: InstanceOutcome; wasClaimed: boolean; which: number }>,
  ],
  each: (plan: RefreshPlan, walk: Walk, before: Walk) => void,
): { plan: RefreshPlan; walk: Walk } => {
  const plan = planOf(all, TO_IMAGES, { canary: asked.canary, forceRestart: false });
  let walk = beginningOf(plan);
  for (;;) {
    const before = walk;
    walk = begin(plan, walk, asked);
    each(plan, walk, before);
    const underWay = at(plan, walk);
    if (underWay.length === 0) return { plan, walk };
    const { outcome, wasClaimed, which } = ends.next().value as {
      outcome: InstanceOutcome;
      wasClaimed: boolean;
      which: number;
    };
    const ended = underWay[which % underWay.length];
    if (ended === undefined) throw new Error('Nothing is under way.');
    walk = withSteps(walk, new Map([[ended.place, outcome]]));
    if (outcome === 'failed') {
      const end = endAfterFailure(plan, walk, ended.instance, { canary: asked.canary, wasClaimed });
      walk = { ...walk, end: walk.end ?? end };
    }
  }
};
const walks = fc.tuple(
  instances,
  options,
  outcomes.map((stream) => stream[Symbol.iterator]()),
);

describe('a walk', () => {
  test('comes to an end for every instance, once', () => {
    fc.assert(
      fc.property(walks, (given) => {
        const { plan, walk } = walkThrough(given, () => {});
        expect(Object.values(countOutcomes(walk)).reduce((sum, count) => sum + count, 0)).toBe(plan.instances.length);
        if (walk.end === null) expect(walk.steps).not.toContain('waiting');
      }),
    );
  });

  test('has no more of a tier under way than are allowed', () => {
    fc.assert(
      fc.property(walks, (given) => {
        walkThrough(given, (plan, walk) => {
          for (const tier of FLEET_TIERS) {
            const ofTier = at(plan, walk).filter(({ instance }) => instance.tier === tier);
            expect(ofTier.length).toBeLessThanOrEqual(given[1].maxConcurrent);
          }
        });
      }),
    );
  });

  test('has no more under way with an image that has not come up than are its canaries', () => {
    fc.assert(
      fc.property(walks, (given) => {
        const [, { canary }] = given;
        walkThrough(given, (plan, walk, before) => {
          for (const image of ['new', 'newest']) {
            const ofImage = walkedInstances(plan, before).filter(({ instance }) => toImageOf(plan, instance) === image);
            const proven = ofImage.filter(({ step }) => step === 'refreshed' || step === 'forced').length;
            const underWay = at(plan, walk).filter(({ instance }) => toImageOf(plan, instance) === image).length;
            if (proven < canary) expect(underWay).toBeLessThanOrEqual(canary);
          }
        });
      }),
    );
  });

  test('begins no shared instance before all others are over, and no writer before the replicas are', () => {
    fc.assert(
      fc.property(walks, (given) => {
        walkThrough(given, (plan, walk) => {
          const stages = at(plan, walk).map(({ instance }) => instance.stage);
          const open = walkedInstances(plan, walk).filter(({ step }) => step === 'waiting' || isUnderWay(step));
          if (walk.end === null) {
            for (const stage of stages) expect(stage).toBe(Math.min(...open.map(({ instance }) => instance.stage)));
          }
        });
      }),
    );
  });

  test('begins nothing more after a failed canary, or after one that failed while it was cycled', () => {
    fc.assert(
      fc.property(walks, (given) => {
        walkThrough(given, (plan, walk, before) => {
          if (before.end !== null) expect(at(plan, walk)).toEqual(at(plan, before));
        });
      }),
    );
  });

  test('is never well when an instance is not as was asked for', () => {
    fc.assert(
      fc.property(walks, (given) => {
        const { walk } = walkThrough(given, () => {});
        const { failed, deferred, skipped } = countOutcomes(walk);
        const isWell = ['refreshed', 'unchanged'].includes(outcomeOf(walk));
        expect(isWell).toBe(failed + deferred + skipped === 0);
      }),
    );
  });

  test('begins those first that are idle when it is their turn', () => {
    const all = ['a', 'b', 'c'].map((instanceId, busyCount) => instanceOf({ instanceId, busyCount }));
    const plan = planOf(all, TO_IMAGES, { canary: 0, forceRestart: false });
    expect(plan.instances.map(({ instanceId }) => instanceId)).toEqual(['a', 'b', 'c']);
    const busyNow = new Map([
      ['a', 2],
      ['b', 1],
      ['c', 0],
    ]);
    const next = nextToBegin(plan, beginningOf(plan), { maxConcurrent: 2, canary: 0 }, busyNow);
    expect(next.map(({ instance }) => instance.instanceId)).toEqual(['c', 'b']);
  });

  test('gives the part of a canary that was left to its work to the next', () => {
    const all = ['a', 'b', 'c'].map((instanceId) => instanceOf({ instanceId }));
    const plan = planOf(all, TO_IMAGES, { canary: 1, forceRestart: false });
    const asked = { maxConcurrent: 3, canary: 1 };
    const afterDeferral = withSteps(beginningOf(plan), new Map([[0, 'deferred' as const]]));
    expect(nextToBegin(plan, afterDeferral, asked, new Map()).map(({ place }) => place)).toEqual([1]);
    const afterProof = withSteps(afterDeferral, new Map([[1, 'refreshed' as const]]));
    expect(nextToBegin(plan, afterProof, asked, new Map()).map(({ place }) => place)).toEqual([2]);
  });

  test('goes on after an instance that could not be drained, once the image is known to come up', () => {
    const all = ['a', 'b', 'c'].map((instanceId) => instanceOf({ instanceId }));
    const plan = planOf(all, TO_IMAGES, { canary: 1, forceRestart: false });
    const [, second] = plan.instances;
    if (second === undefined) throw new Error('There are three.');
    const walk = withSteps(
      beginningOf(plan),
      new Map([
        [0, 'refreshed' as const],
        [1, 'failed' as const],
      ]),
    );
    expect(endAfterFailure(plan, walk, second, { canary: 1, wasClaimed: false })).toBeNull();
    expect(endAfterFailure(plan, walk, second, { canary: 1, wasClaimed: true })).toMatchObject({ outcome: 'skipped' });
    const canaryFailed = withSteps(beginningOf(plan), new Map([[1, 'failed' as const]]));
    expect(endAfterFailure(plan, canaryFailed, second, { canary: 1, wasClaimed: false })).not.toBeNull();
  });
});

describe('a plan', () => {
  test('has shared replicas before shared writers, and both after all others', () => {
    const plan = planOf(
      [
        instanceOf({ instanceId: 'writer', tier: 'shared', used: 3 }),
        instanceOf({ instanceId: 'replica', tier: 'shared', used: 0, busyCount: 2 }),
        instanceOf({ instanceId: 'busy', busyCount: 5 }),
        instanceOf({ instanceId: 'idle' }),
      ],
      TO_IMAGES,
      { canary: 1, forceRestart: false },
    );
    expect(plan.instances.map(({ instanceId }) => instanceId)).toEqual(['idle', 'busy', 'replica', 'writer']);
    expect(plan.instances.map(({ canary }) => canary)).toEqual([true, false, false, false]);
  });

  test('leaves out what has the wanted image, unless a restart is asked for, and what can not be drained', () => {
    const all = [
      instanceOf({ instanceId: 'a', image: 'new' }),
      instanceOf({ instanceId: 'b', state: 'QUARANTINED', quarantineReason: 'cycle_failed' }),
      instanceOf({ instanceId: 'c', state: 'LAUNCHING' }),
      instanceOf({ instanceId: 'd', state: 'DRAINING', drain: drainOf('manual-1.1') }),
      instanceOf({ instanceId: 'e', state: 'DRAINING', drain: drainOf('op_1.1') }),
    ];
    const leftOut = (forceRestart: boolean) =>
      planOf(all, TO_IMAGES, { canary: 1, forceRestart }).instances.map((one) => one.leftOut?.outcome ?? null);
    expect(leftOut(false)).toEqual(['unchanged', 'skipped', 'skipped', 'skipped', null]);
    expect(leftOut(true)).toEqual([null, 'skipped', 'skipped', 'skipped', null]);
  });

  test('of the most instances stays below the 25,000 events of an execution in the longest walk', () => {
    const eventsOfATurn = 11;
    const looks = (WALK_SECONDS + MOST_WAIT_MINUTES * 60) / LOOK_AGAIN_SECONDS;
    expect((MOST_PLANNED + looks) * eventsOfATurn).toBeLessThan(25_000 - 1_000);
  });
});
