import type { Retrier } from './definition.ts';
import { matches, type StateFailure } from './failure.ts';

const DEFAULT_ATTEMPTS = 3;

/**
 * How long to wait before a retry.
 * @param retriesBefore how often this retrier has retried already
 * @param random a number in [0, 1), asked for only under full jitter
 */
export const backoffSeconds = (retrier: Retrier, retriesBefore: number, random: () => number): number => {
  const { IntervalSeconds = 1, BackoffRate = 2 } = retrier;
  const grown = IntervalSeconds * BackoffRate ** retriesBefore;
  const capped = Math.min(grown, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return retrier.JitterStrategy === 'FULL' ? random() * capped : capped;
};

/** The retry that answers a failure: which retrier, and after how long. Each retrier counts its own attempts. */
export const nextRetry = (
  retriers: readonly Retrier[],
  retries: readonly number[],
  failure: StateFailure,
  random: () => number,
): { retrier: number; delaySeconds: number } | undefined => {
  const index = retriers.findIndex(({ ErrorEquals }) => matches(ErrorEquals, failure));
  const retrier = retriers[index];
  if (retrier === undefined) return undefined;
  const retriesBefore = retries[index] ?? 0;
  if (retriesBefore >= (retrier.MaxAttempts ?? DEFAULT_ATTEMPTS)) return undefined;
  return { retrier: index, delaySeconds: backoffSeconds(retrier, retriesBefore, random) };
};
