import { expect, test } from 'vitest';
import { RestartDelay } from '../../../local/ecs/restart-delay.ts';

const delaysOf = (runs: readonly number[]) => {
  const delay = new RestartDelay();
  return runs.map((ranMs) => {
    delay.taskEnded(ranMs);
    return delay.milliseconds;
  });
};

test('the first failure is followed at once, the next ones with a delay that doubles up to 5 s', () => {
  expect(delaysOf([0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toEqual([0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

test('a task that ran for long enough begins anew', () => {
  expect(delaysOf([0, 0, 0, 10_000, 0, 0])).toEqual([0, 100, 200, 0, 0, 100]);
});

test('a new deployment begins anew', () => {
  const delay = new RestartDelay();
  delay.taskEnded(0);
  delay.taskEnded(0);

  delay.reset();

  expect(delay.milliseconds).toBe(0);
});
