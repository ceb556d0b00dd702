import { describe, expect, test } from 'vitest';
import { heardSince } from '../../domain/fleet/heartbeat.ts';
import type { Occupancy } from '../../domain/lease/occupancy.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import {
  cutOffBy,
  deadlineOf,
  isOverdue,
  resultOf,
  storyOf,
  taskTurnedBackTo,
  waitDetail,
  whenBusy,
  workOn,
} from '../../domain/refresh/instance-refresh.ts';
import { type InstanceRefreshRequest, ON_DEADLINE } from '../../domain/refresh/refresh.ts';

const SINCE = '2026-01-01T12:00:00.000Z';
const later = (seconds: number) => new Date(Date.parse(SINCE) + seconds * 1_000);
const policy = { maxWaitMinutes: 30, onDeadline: 'defer', forceIgnoreBusy: false } as const;

/** An instance in the cycle of a refresh. */
const instance = (own: Partial<Occupancy> = {}): Occupancy => ({
  instanceId: 'inst-1',
  tier: 'standard',
  state: 'CYCLING',
  generation: 3,
  endpoint: 'http://instance',
  image: 'sha256:one',
  taskArn: 'task-1',
  heartbeatAt: SINCE,
  leases: {},
  busyCount: 0,
  ended: {},
  drain: {
    owner: 'op_r.1',
    reason: 'refresh',
    since: SINCE,
    taskToken: null,
    taskBefore: 'task-1',
    turnedBackAt: SINCE,
  },
  interrupted: {},
  ...own,
});
const leases = {
  'op_2.1': { kind: 'restore', acquiredAt: '2026-01-01T11:00:00.000Z' },
  'op_1.7': { kind: 'backup', acquiredAt: '2026-01-01T10:00:00.000Z' },
} as const;

describe('the wait for a busy instance', () => {
  test.each(ON_DEADLINE)('ends with %s at the deadline, which counts from the closing of the gate', (onDeadline) => {
    expect(deadlineOf(SINCE, policy)).toBe('2026-01-01T12:30:00.000Z');
    expect(whenBusy({ ...policy, onDeadline }, SINCE, later(1_799))).toBe('wait');
    expect(whenBusy({ ...policy, onDeadline }, SINCE, later(1_800))).toBe(onDeadline);
  });

  test('is none when the work is to be ignored, or when there is no time for one', () => {
    expect(whenBusy({ ...policy, forceIgnoreBusy: true }, SINCE, later(0))).toBe('force');
    expect(whenBusy({ ...policy, maxWaitMinutes: 0 }, SINCE, later(0))).toBe('defer');
  });

  test('tells the oldest work, and tells the same once', () => {
    const busy = instance({ state: 'DRAINING', busyCount: 2, leases });
    const detail = waitDetail(busy, policy, { detail: {} });
    expect(detail).toEqual({
      waitsFor: {
        instance: 'inst-1',
        leases: 2,
        oldest: { operationId: 'op_1', kind: 'backup', acquiredAt: '2026-01-01T10:00:00.000Z' },
        since: SINCE,
        until: '2026-01-01T12:30:00.000Z',
      },
    });
    expect(waitDetail(busy, policy, { detail: detail ?? {} })).toBeUndefined();
    expect(waitDetail({ ...busy, busyCount: 1 }, policy, { detail: detail ?? {} })).toBeDefined();
    expect(workOn(busy)).toBe('op_1 (backup) and 1 more');
    expect(workOn(instance())).toBe('nothing');
  });
});

test('an operation that held an instance by two leases is cut off once', () => {
  expect(cutOffBy({ interrupted: { ...leases, 'op_1.8': leases['op_1.7'] } })).toEqual(['op_2', 'op_1']);
});

test('a task is overdue after ten minutes, and was heard of lately within three heartbeats', () => {
  expect(isOverdue(SINCE, later(600))).toBe(false);
  expect(isOverdue(SINCE, later(601))).toBe(true);
  expect(heardSince(later(30))).toBe(SINCE);
});

describe('the task that a cycle was turned back to', () => {
  const service = { generation: 3, rollout: 'in_progress' } as const;
  const registered = instance({ taskArn: 'task-2' });
  test.each([
    ['missing', instance({ drain: null }), service, 1],
    ['missing', instance(), undefined, 1],
    ['missing', instance(), { ...service, generation: 2 }, 1],
    ['starting', instance(), service, 1],
    ['registered', registered, service, 1],
    ['failed', instance(), { ...service, rollout: 'failed' }, 1],
    ['failed', registered, service, 601],
  ] as const)('is %s', (expected, of, its, seconds) => {
    expect(taskTurnedBackTo(of, its, later(seconds))).toBe(expected);
  });
});

describe('the result', () => {
  const request = { instanceId: 'inst-1', toImage: 'sha256:two' } as InstanceRefreshRequest;
  const event = (step: string, detail: Record<string, unknown>) =>
    ({ type: 'step_completed', step, detail, at: SINCE }) as unknown as OperationEvent;
  const drained = event('beginDrain', { fromImage: 'sha256:one', busyAtStart: 2 });

  test('of a cycle is what the log tells', () => {
    const claimed = event('claimCycle', { waitedMs: 1_500, interrupted: ['op_1'], generation: 2 });
    const story = storyOf([drained, claimed]);
    expect(story.claimed?.at).toBe(SINCE);
    expect(resultOf(request, story, 'forced')).toEqual({
      instanceId: 'inst-1',
      outcome: 'forced',
      waitedMs: 1_500,
      busyAtStart: 2,
      interrupted: ['op_1'],
      fromImage: 'sha256:one',
      toImage: 'sha256:two',
      error: null,
    });
  });

  test('of an instance that was left to its work tells how long that was waited for', () => {
    expect(resultOf(request, storyOf([drained]), 'deferred', 900)).toMatchObject({ waitedMs: 900, interrupted: [] });
  });

  test('of one that nothing was done to has the image that it has', () => {
    expect(resultOf(request, storyOf([]), 'unchanged')).toMatchObject({ fromImage: 'sha256:two', busyAtStart: 0 });
  });
});
