import { expect, test } from 'vitest';
import { capacityOf, type TierLoad, wantedInstances } from '../../domain/fleet/capacity.ts';
import type { Instance, InstanceState } from '../../domain/fleet/instance.ts';

const wanted = { tier: 'standard', minInstances: 1, maxInstances: 3, capacity: 10 } as const;
const instance = (state: InstanceState, used: number) => ({ state, used, capacity: 10 }) as Instance;
const load = (own: Partial<TierLoad>): TierLoad => ({ wanted, instances: [], waiting: 0, ...own });
const full = instance('ACTIVE', 10);
const roomy = instance('ACTIVE', 9);

test.each([
  { state: 'ready', instances: [full, roomy], waiting: 0 },
  // What is free belongs to those that wait.
  { state: 'scalable', instances: [full, roomy], waiting: 1 },
  { state: 'scalable', instances: [full], waiting: 0 },
  { state: 'scalable', instances: [full, full, instance('LAUNCHING', 0)], waiting: 4 },
  { state: 'scalable', instances: [], waiting: 0 },
  { state: 'at_capacity', instances: [full, full, full], waiting: 0 },
  { state: 'at_capacity', instances: [full, full, instance('QUARANTINED', 0)], waiting: 0 },
  { state: 'at_capacity', instances: [full, full, roomy], waiting: 5 },
])('$instances.length instances and $waiting that wait: $state', ({ state, instances, waiting }) => {
  expect(capacityOf(load({ instances, waiting }))).toEqual({ tier: 'standard', state, waiting });
});

test.each([
  { wants: 1, instances: [], waiting: 0 },
  { wants: 2, instances: [full], waiting: 1 },
  { wants: 1, instances: [roomy], waiting: 1 },
  { wants: 3, instances: [roomy], waiting: 12 },
  { wants: 3, instances: [full], waiting: 1_000 },
  // One that drains, or is silent, gives no room.
  { wants: 2, instances: [instance('DRAINING', 0)], waiting: 1 },
  // Never fewer than there are: taking one away is another matter.
  { wants: 4, instances: [roomy, roomy, roomy, roomy], waiting: 0 },
])('$instances.length instances and $waiting that wait: $wants are wanted', ({ wants, instances, waiting }) => {
  expect(wantedInstances(load({ instances, waiting }))).toBe(wants);
});
