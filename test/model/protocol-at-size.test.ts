import { expect, test } from 'vitest';
import { exploreProtocol } from './explore-protocol.ts';

const PATIENT = { timeout: 300_000 };

/**
 * Explored within a bound: between the first and the last call of a run, no other run comes. Strays do in pieces, so that
 * what is left of a crashed, timed-out or doubled run still happens at any later time. Without the bound, and with fewer
 * operations, it is in `protocol-with-faults.test.ts`; without faults, in `protocol.test.ts`.
 */
test('three operations, two refreshes and a reaper keep every invariant with a fault anywhere', PATIENT, async () => {
  const size = { operations: 3, refreshes: 2, faults: 1, onDeadline: ['undrain'], interruptions: 0 } as const;
  expect(await exploreProtocol(size)).toBeUndefined();
});
