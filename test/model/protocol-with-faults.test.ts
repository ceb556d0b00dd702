import { expect, test } from 'vitest';
import { exploreProtocol } from './explore-protocol.ts';

/**
 * A fault is a crash, a timeout, a lost answer, a doubled or a late call, before or after any call of any actor: see the
 * explorer. Each of these is explored whole.
 */
const PATIENT = { timeout: 300_000 };

test('two operations, a refresh and a reaper keep every invariant with a fault anywhere', PATIENT, async () => {
  const size = { operations: 2, refreshes: 1, reaperTurns: 1, faults: 1, onDeadline: ['undrain'] } as const;
  expect(await exploreProtocol(size)).toBeUndefined();
});

test(
  'two operations and a refresh that may force its cycle keep every invariant with a fault anywhere',
  PATIENT,
  async () => {
    expect(await exploreProtocol({ operations: 2, refreshes: 1, faults: 1 })).toBeUndefined();
  },
);

test('an operation, two refreshes and a reaper keep every invariant with a fault anywhere', PATIENT, async () => {
  expect(await exploreProtocol({ operations: 1, refreshes: 2, reaperTurns: 1, faults: 1 })).toBeUndefined();
});

test(
  'an operation and a refresh that may turn its cycle back keep every invariant with a fault anywhere',
  PATIENT,
  async () => {
    expect(await exploreProtocol({ operations: 1, refreshes: 1, faults: 1, turnsBack: true })).toBeUndefined();
  },
);

test('an operation, a refresh and a reaper keep every invariant with two faults anywhere', PATIENT, async () => {
  const size = { operations: 1, refreshes: 1, reaperTurns: 1, faults: 2, onDeadline: ['undrain'] } as const;
  expect(await exploreProtocol(size)).toBeUndefined();
});
