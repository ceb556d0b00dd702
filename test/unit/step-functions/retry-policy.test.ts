import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StateFailure } from '../../../local/step-functions/failure.ts';
import { backoffSeconds, nextRetry } from '../../../local/step-functions/retry-policy.ts';

const boom = new StateFailure('Boom');
const retriers = fc.record(
  {
    ErrorEquals: fc.constant<string[]>(['Boom']),
    IntervalSeconds: fc.integer({ min: 1, max: 1000 }),
    BackoffRate: fc.double({ min: 1, max: 4, noNaN: true }),
    MaxAttempts: fc.integer({ min: 0, max: 20 }),
    MaxDelaySeconds: fc.integer({ min: 1, max: 100_000 }),
  },
  { requiredKeys: ['ErrorEquals'] },
);
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const never = (): number => {
  throw new Error('Nobody asked for chance');
};

test('without jitter the first retry waits the interval, or the cap if that is less', () => {
  fc.assert(
    fc.property(retriers, (retrier) => {
      const { IntervalSeconds = 1, MaxDelaySeconds = Infinity } = retrier;
      expect(backoffSeconds(retrier, 0, never)).toBe(Math.min(IntervalSeconds, MaxDelaySeconds));
    }),
  );
});

test('without jitter each retry waits the rate times longer than the one before, up to the cap', () => {
  fc.assert(
    fc.property(retriers, fc.integer({ min: 0, max: 19 }), (retrier, before) => {
      const { BackoffRate = 2, MaxDelaySeconds = Infinity } = retrier;
      const { MaxDelaySeconds: _, ...uncapped } = retrier;
      const grown = backoffSeconds(uncapped, before, never) * BackoffRate;
      const wait = backoffSeconds(retrier, before + 1, never);
      expect(wait).toBeCloseTo(Math.min(grown, MaxDelaySeconds), 5 - Math.ceil(Math.log10(wait + 1)));
    }),
  );
});

test('full jitter waits its share of what it would wait without', () => {
  fc.assert(
    fc.property(retriers, fc.integer({ min: 0, max: 20 }), chance, (retrier, before, share) => {
      const whole = backoffSeconds(retrier, before, never);
      const jittered = backoffSeconds({ ...retrier, JitterStrategy: 'FULL' }, before, () => share);
      expect(jittered).toBe(share * whole);
      expect(jittered).toBeLessThanOrEqual(whole);
    }),
  );
});

test('a retrier retries as often as it says, and no more', () => {
  fc.assert(
    fc.property(retriers, (retrier) => {
      let retries = 0;
      while (nextRetry([retrier], [retries], boom, never) !== undefined) retries += 1;
      expect(retries).toBe(retrier.MaxAttempts ?? 3);
    }),
  );
});

test('only the first retrier that matches is asked', () => {
  const exhausted = { ErrorEquals: ['Boom'], MaxAttempts: 1 };
  const willing = { ErrorEquals: ['States.ALL'], MaxAttempts: 9 };
  expect(nextRetry([exhausted, willing], [1, 0], boom, never)).toBeUndefined();
  expect(nextRetry([exhausted, willing], [1, 0], new StateFailure('Other'), never)).toMatchObject({ retrier: 1 });
});
