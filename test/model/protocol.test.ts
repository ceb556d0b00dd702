import { describe, expect, test } from 'vitest';
import { exploreProtocol, wanderThroughProtocol } from './explore-protocol.ts';
import { PLANTED_FAULTS } from './planted-faults.ts';

/** Seconds on a free core; many times that on a busy one. */
const PATIENT = { timeout: 300_000 };

describe('three operations and two refreshes', () => {
  test(
    'keep every invariant in every order of their calls, with deadlines and force at any time',
    PATIENT,
    async () => {
      expect(await exploreProtocol({ operations: 3, refreshes: 2 })).toBeUndefined();
    },
  );

  test('come to their ends by being woken alone, when nobody fails and nobody looks again', PATIENT, async () => {
    const woken = { operations: 3, refreshes: 2, onDeadline: [], looksAgain: false };
    expect(await exploreProtocol(woken)).toBeUndefined();
  });

  test('keep every invariant when a cycle is turned back at any time', PATIENT, async () => {
    expect(await exploreProtocol({ operations: 2, refreshes: 2, turnsBack: true })).toBeUndefined();
  });

  test('keep every invariant on ways by chance with up to eight faults, and a reaper in between', PATIENT, async () => {
    const large = { operations: 3, refreshes: 2, reaperTurns: 3, faults: 8 };
    expect(await wanderThroughProtocol(large, 3_000, 1)).toBeUndefined();
  });
});

describe('a planted fault is found', () => {
  test.each(Object.entries(PLANTED_FAULTS))('%s', PATIENT, async (_, { found, turnsBack = false, ...planted }) => {
    const size = { operations: 2, refreshes: 1, reaperTurns: 1, faults: 1, turnsBack };
    const violation = await exploreProtocol({ ...size, planted });
    expect(violation?.message).toMatch(found);
  });
});
