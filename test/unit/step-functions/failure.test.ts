import { expect, test } from 'vitest';
import {
  heartbeatMissed,
  matches,
  StateFailure,
  timedOut,
  withinLimit,
} from '../../../local/step-functions/failure.ts';

const own = new StateFailure('Own.Error');
const unnamed = new StateFailure(undefined);
const tooLarge = new StateFailure('States.DataLimitExceeded');
const broken = new StateFailure('States.Runtime');

test.each([
  ['its own name', 'Own.Error', own, true],
  ['another name', 'Other', own, false],
  ['a name in another case', 'own.error', own, false],
  ['States.ALL, an error of its own', 'States.ALL', own, true],
  ['States.ALL, an error without a name', 'States.ALL', unnamed, true],
  ['States.ALL, a timeout', 'States.ALL', timedOut(), true],
  ['States.ALL, too much data', 'States.ALL', tooLarge, false],
  ['States.ALL, a broken machine', 'States.ALL', broken, false],
  ['States.TaskFailed, an error of its own', 'States.TaskFailed', own, true],
  ['States.TaskFailed, a timeout', 'States.TaskFailed', timedOut(), false],
  ['States.TaskFailed, a missed heartbeat', 'States.TaskFailed', heartbeatMissed(), false],
  ['States.TaskFailed, too much data', 'States.TaskFailed', tooLarge, false],
  ['States.Timeout, a missed heartbeat', 'States.Timeout', heartbeatMissed(), true],
  ['States.HeartbeatTimeout, a missed heartbeat', 'States.HeartbeatTimeout', heartbeatMissed(), true],
  ['States.HeartbeatTimeout, a timeout', 'States.HeartbeatTimeout', timedOut(), false],
  ['States.DataLimitExceeded, too much data', 'States.DataLimitExceeded', tooLarge, true],
  ['States.Runtime, a broken machine', 'States.Runtime', broken, false],
])('ErrorEquals of %s', (_case, name, failure, matched) => {
  expect(matches([name], failure)).toBe(matched);
});

test('what passes between states is measured in bytes of JSON, not in characters', () => {
  const fits = 'é'.repeat(128 * 1024 - 1);
  expect(withinLimit(fits, 'output')).toBe(fits);
  expect(() => withinLimit(`${fits}é`, 'output')).toThrow(/States.DataLimitExceeded: The output is larger/);
});
