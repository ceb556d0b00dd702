import { MOST_WAIT_MINUTES } from '../domain/refresh/instance-refresh.ts';
import { LOOK_AGAIN_SECONDS, WALK_SECONDS } from '../domain/refresh/refresh-times.ts';
import { untilUndone, whileWaiting } from './retry-policies.ts';
import { lambda, persistently, RECORDS, undo } from './runs.ts';
import { type Saga, saga } from './saga.ts';

/**
 * Instances are begun for `WALK_SECONDS`, and the last of them is waited for `MOST_WAIT_MINUTES`. A day is for its cycle,
 * and for the undo.
 */
const LONGEST_SECONDS = WALK_SECONDS + MOST_WAIT_MINUTES * 60 + 86_400;

/** For instances that cycle while the refresh is undone. Full jitter over 1 → 2 → … → 30 → 30 s: half an hour on average. */
const untilNoneIsCycling: Saga['steps'][number]['run']['retry'] = untilUndone.map((rule) =>
  rule.MaxAttempts === 0 ? rule : { ...rule, MaxAttempts: 120 },
);

/**
 * Refreshes instances in the order of a plan: `WalkFleet` begins what may be begun, each by an operation of its own, and
 * waits until one of them is over; the walk is over when nothing is under way and nothing may be begun. Undone, it begins
 * no more, calls off what was not claimed, and waits for what was: what has been refreshed stays so.
 */
export const refreshFleet = saga({
  name: 'refresh-fleet',
  comment: 'Refreshes the instances of tiers, each when its work is done; undone, it leaves no instance half way.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    { name: 'LockTiers', run: lambda('lock-tiers'), undos: [undo('UnlockTiers', 'unlock-tiers')] },
    { name: 'PlanRefresh', run: lambda('plan-refresh'), undos: [] },
    {
      name: 'WalkFleet',
      run: { ...lambda('walk-fleet'), timeoutSeconds: 30 },
      undos: [{ name: 'StopWalk', run: { ...persistently('stop-walk'), retry: untilNoneIsCycling } }],
      waits: [
        {
          word: 'WaitingForInstances',
          name: 'AwaitInstances',
          run: {
            function: 'await-instances',
            timeoutSeconds: LOOK_AGAIN_SECONDS,
            waitsForToken: {},
            retry: whileWaiting,
          },
          undos: [],
        },
      ],
    },
    { name: 'FinishRefresh', run: lambda('finish-refresh'), undos: [] },
  ],
  records: RECORDS,
});
