import { Terminal } from '../../domain/failure.ts';
import type { Occupancy } from '../../domain/lease/occupancy.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import {
  type Claimed,
  cutOffBy,
  InstanceBusy,
  REFRESH_STEPS,
  whenBusy,
  workOn,
} from '../../domain/refresh/instance-refresh.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { type InstanceRefresh, instanceRefreshes, notMine } from '../refresh/refresh-steps.ts';
import { measure } from '../telemetry/metrics.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/** A claim that has come about, and when. */
type Claim = { instance: Occupancy; now: Date; last: OperationEvent };

/**
 * Takes a drained instance for its cycle. One that is still busy is waited for; at the end of the wait it is left to its
 * work, cut off from it, or the refresh fails, as the policy says.
 * @throws {InstanceBusy} the refresh is to wait
 * @throws {Refusal} `operation_over` when the refresh is over by that; `conflict` when it comes late
 * @throws {Terminal} `conflict` at the end of the wait
 */
export const handler = forwardStep('claim-cycle', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const leases = leaseStore(environment);
  const refreshes = instanceRefreshes(environment);

  const claimed = async (refresh: InstanceRefresh, { instance, now, last }: Claim): Promise<void> => {
    const { operationId, request } = refresh;
    const { instanceId, drain, generation } = instance;
    const waitedMs = now.getTime() - Date.parse(drain?.since ?? now.toISOString());
    const interrupted = cutOffBy(instance);
    const isForced = interrupted.length > 0;
    const detail = { waitedMs, interrupted, generation, ...(isForced && { forced: true, reason: request.reason }) };
    const message = isForced
      ? `${instanceId} is cycled by force; cut off: ${interrupted.join(', ')}`
      : `${instanceId} is idle and is cycled`;
    const completed = { type: 'step_completed', step: REFRESH_STEPS.claimed, percent: 40, message } as const;
    await operations.append(operationId, { ...completed, detail: detail satisfies Claimed }, last);
    if (isForced) measure('CycleForced', 1);
  };

  return async ({ operationId }, last) => {
    const refresh = await refreshes.of(operationId, last);
    const { request, place, owner } = refresh;
    const now = new Date();
    const { done, instance } = await leases.claimCycle(place, owner);
    if (done) return claimed(refresh, { instance, now, last });
    // An earlier run has opened the gate at the end of the wait, and did not come to say so.
    if (owner in instance.ended) return refreshes.giveBack(refresh, 'deferred', now);
    if (instance.state !== 'DRAINING' || instance.drain?.owner !== owner) throw notMine(place);
    switch (whenBusy(request, instance.drain.since, now)) {
      case 'wait':
        throw new InstanceBusy('instance_draining', `${place.instanceId} is busy: ${workOn(instance)}.`);
      case 'defer':
        return refreshes.giveBack(refresh, 'deferred', now);
      case 'force': {
        const forced = await leases.forceCycle(place, owner, now.toISOString());
        if (!forced.done) throw notMine(place);
        return claimed(refresh, { instance: forced.instance, now, last });
      }
      case 'fail':
        throw new Terminal(
          'conflict',
          `"${place.instanceId}" was busy for ${request.maxWaitMinutes} minutes: ${workOn(instance)}.`,
        );
    }
  };
});
