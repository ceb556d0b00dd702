import { expect, test } from 'vitest';
import { maxGraphsOf } from '../../domain/billing/plan.ts';

test.each([
  [[], 10],
  [['starter', 'team'], 100],
  [['a plan of tomorrow'], 10],
  // What every object has is no plan.
  [['constructor'], 10],
])('the plans %j allow %i graphs', (plans, most) => {
  expect(maxGraphsOf(plans)).toBe(most);
});
