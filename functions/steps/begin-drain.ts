import { Terminal } from '../../domain/failure.ts';
import { isManualDrain } from '../../domain/lease/manual-drain.ts';
import { InstanceDraining, InstanceGone } from '../../domain/lease/occupancy.ts';
import { OperationDrains } from '../../domain/lease/operation-drains.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import { type Drained, REFRESH_STEPS, workOn } from '../../domain/refresh/instance-refresh.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRefreshes } from '../refresh/refresh-steps.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Closes the gate of an instance that is to be refreshed: from here on its work only ends. One that has the wanted image
 * already is left alone, and so is one that is busy when the policy says so.
 * @throws {Refusal} `operation_over` when the refresh is over by that
 * @throws {Retryable} `instance_draining`: somebody else drains it
 */
export const handler = forwardStep('begin-drain', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const leases = leaseStore(environment);
  const drains = new OperationDrains(leases, operations, 'instance.refresh');
  const refreshes = instanceRefreshes(environment);
  return async ({ operationId }, last) => {
    const refresh = await refreshes.of(operationId, last);
    const { request, place, owner } = refresh;
    const { instanceId } = place;
    const before = await leases.get(instanceId);
    if (before === undefined) throw new InstanceGone(instanceId);
    const message = `Closing the gate of ${instanceId}`;
    const started = { type: 'started', step: REFRESH_STEPS.drained, percent: 5, message } as const;
    const opened = await operations.append(operationId, started, last);
    // A walk that died between opening this and calling it off has nobody left who would.
    const parent = await operations.find(request.parentOperationId);
    if (parent !== undefined && !goesForward(parent.status)) {
      throw new Terminal('operation_over', `The refresh that began this one is ${parent.status}.`);
    }
    // Under its own drain, or one that was left behind, an instance with the wanted image is not one to be left alone.
    const isLeftAlone = before.drain === null ? !(owner in before.ended) : isManualDrain(before.drain.owner);
    if (isLeftAlone && before.image === request.toImage && !request.forceRestart) {
      await refreshes.endEarly(refresh, 'unchanged');
    }

    const now = new Date();
    // An earlier run has left the instance to its work, and did not come to say so.
    if (owner in before.ended && request.onBusy === 'skip') await refreshes.giveBack(refresh, 'skipped', now);
    const drain = { owner, reason: request.reason ?? 'A refresh', since: now.toISOString() };
    const instance = await drains.begin(place, drain).catch(async (error: unknown) => {
      // Not in use since the plan was made: what is not open has no gate to close.
      if (error instanceof InstanceDraining) await refreshes.endEarly(refresh, 'skipped');
      throw error;
    });
    const { busyCount } = instance;
    const detail: Drained = { fromImage: before.image, busyAtStart: busyCount };
    const closed = `The gate of ${instanceId} is closed; at work: ${workOn(instance)}`;
    const completed = {
      type: 'step_completed',
      step: REFRESH_STEPS.drained,
      percent: 10,
      message: closed,
      detail,
    } as const;
    await operations.append(operationId, completed, opened);
    if (busyCount === 0 || request.forceIgnoreBusy || request.onBusy === 'wait') return;
    if (request.onBusy === 'skip') await refreshes.giveBack(refresh, 'skipped', now);
    throw new Terminal('conflict', `"${instanceId}" is busy: ${workOn(instance)}.`);
  };
});
