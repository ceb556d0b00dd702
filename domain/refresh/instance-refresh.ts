import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../failure.ts';
import type { InstanceService } from '../fleet/instance-services.ts';
import { leaseIdFor, operationIdOfLease } from '../lease/lease.ts';
import { hasNewTask, type Occupancy } from '../lease/occupancy.ts';
import type { OperationEvent } from '../operation/operation-event.ts';
import type { InstanceOutcome, InstanceRefreshRequest, InstanceRefreshResult, RefreshPolicy } from './refresh.ts';

/** The longest that a refresh may wait for an instance. */
export const MOST_WAIT_MINUTES = 720;

/** How long a task may take until it has registered: to be placed, its image to be pulled and the process to be up. */
export const START_SECONDS = 600;

/** A drain of the refresh of an instance: it has one. */
export const drainOwnerOf = (operationId: string): string => leaseIdFor(operationId);

/** When the wait for an instance is over: the one place where the budget of a refresh becomes a time. */
export const deadlineOf = (since: string, { maxWaitMinutes }: Pick<RefreshPolicy, 'maxWaitMinutes'>): string =>
  new Date(Date.parse(since) + maxWaitMinutes * 60_000).toISOString();

/** What is to be done now about an instance that has work on it. */
export const whenBusy = (
  policy: Pick<RefreshPolicy, 'maxWaitMinutes' | 'onDeadline' | 'forceIgnoreBusy'>,
  since: string,
  now: Date,
): 'wait' | RefreshPolicy['onDeadline'] => {
  if (policy.forceIgnoreBusy) return 'force';
  return now.toISOString() < deadlineOf(since, policy) ? 'wait' : policy.onDeadline;
};

/** What is still at work on an instance, for people. */
export const workOn = ({ busyCount, leases }: Pick<Occupancy, 'busyCount' | 'leases'>): string => {
  const [oldest] = byAge(leases);
  const others = busyCount > 1 ? ` and ${busyCount - 1} more` : '';
  return oldest === undefined ? 'nothing' : `${oldest.operationId} (${oldest.kind})${others}`;
};

/** What a refresh waits for, as its progress tells it; undefined when `last` has told just that. */
export const waitDetail = (
  { instanceId, busyCount, leases, drain }: Occupancy,
  policy: Pick<RefreshPolicy, 'maxWaitMinutes'>,
  last: Pick<OperationEvent, 'detail'>,
): Record<string, unknown> | undefined => {
  const since = drain?.since ?? '';
  const [oldest = null] = byAge(leases);
  const waitsFor = { instance: instanceId, leases: busyCount, oldest, since, until: deadlineOf(since, policy) };
  return isDeepStrictEqual(last.detail['waitsFor'], waitsFor) ? undefined : { waitsFor };
};

const byAge = (leases: Occupancy['leases']) =>
  Object.entries(leases)
    .map(([leaseId, { kind, acquiredAt }]) => ({ operationId: operationIdOfLease(leaseId), kind, acquiredAt }))
    .sort((one, other) => (one.acquiredAt < other.acquiredAt ? -1 : 1));

/** The operations that a forced cycle has cut off; each once. */
export const cutOffBy = ({ interrupted }: Pick<Occupancy, 'interrupted'>): string[] => [
  ...new Set(Object.keys(interrupted).map(operationIdOfLease)),
];

/** Whether a task that was asked for at a time should have registered. */
export const isOverdue = (askedFor: string, now: Date): boolean =>
  now.getTime() > Date.parse(askedFor) + START_SECONDS * 1_000;

/**
 * How far the task is that a cycle was turned back to. `missing`: nobody has asked ECS for it; `failed`: ECS has given it
 * up, or it takes too long.
 */
export const taskTurnedBackTo = (
  instance: Occupancy,
  service: Pick<InstanceService, 'generation' | 'rollout'> | undefined,
  now: Date,
): 'missing' | 'failed' | 'registered' | 'starting' => {
  const askedFor = instance.drain?.turnedBackAt;
  if (askedFor === undefined || service === undefined || service.generation < instance.generation) return 'missing';
  if (service.rollout === 'failed' || isOverdue(askedFor, now)) return 'failed';
  return hasNewTask(instance) ? 'registered' : 'starting';
};

/** What the log is told when the gate is closed, and when the cycle is claimed. */
export type Drained = Pick<InstanceRefreshResult, 'fromImage' | 'busyAtStart'>;
export type Claimed = Pick<InstanceRefreshResult, 'waitedMs' | 'interrupted'>;

/** The steps that the log tells of as completed. */
export const REFRESH_STEPS = { drained: 'beginDrain', claimed: 'claimCycle' } as const;

/** How the refresh of an instance went, by its log. */
export type RefreshStory = { drained: Drained | undefined; claimed: (Claimed & { at: string }) | undefined };

export const storyOf = (events: readonly OperationEvent[]): RefreshStory => {
  const completed = (step: string) => events.find(({ type, step: of }) => type === 'step_completed' && of === step);
  const claimed = completed(REFRESH_STEPS.claimed);
  return {
    drained: completed(REFRESH_STEPS.drained)?.detail as Drained | undefined,
    claimed: claimed && { ...(claimed.detail as Claimed), at: claimed.at },
  };
};

/** The result of a refresh that has come to its end. */
export const resultOf = (
  { instanceId, toImage }: InstanceRefreshRequest,
  { drained, claimed }: RefreshStory,
  outcome: InstanceOutcome,
  waitedMs = 0,
): InstanceRefreshResult => ({
  instanceId,
  outcome,
  waitedMs: claimed?.waitedMs ?? waitedMs,
  busyAtStart: drained?.busyAtStart ?? 0,
  interrupted: claimed?.interrupted ?? [],
  fromImage: drained?.fromImage ?? toImage,
  toImage,
  error: null,
});

/** The instance has work on it: the refresh is to wait. Its workflow has a wait of this name. */
export class InstanceBusy extends Failure {
  override readonly name = 'InstanceBusy';
  readonly retryable = true;
}
