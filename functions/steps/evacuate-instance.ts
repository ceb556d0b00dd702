import { Retryable, Terminal } from '../../domain/failure.ts';
import type { RetireRequest } from '../../domain/fleet/retirement.ts';
import { InstanceGone, isCycledBy } from '../../domain/lease/occupancy.ts';
import { deadlineOf, drainOwnerOf, InstanceBusy, workOn } from '../../domain/refresh/instance-refresh.ts';
import { wakeWaiting } from '../afterwards/serve-waiting.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { notMine } from '../refresh/refresh-steps.ts';
import { evacuation } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/** Of a few writes each. */
const GRAPHS_A_RUN = 100;

/**
 * Gives the graphs of a drained instance their places on others. Work on them has ended before, so none is left where
 * nobody looks for it. From here on the retirement only goes forward: the instance holds nothing, and takes nothing.
 * @throws {InstanceBusy} the operation is to wait
 * @throws {Retryable} `at_capacity`: there is no room for them; `unavailable`: there are more
 * @throws {Terminal} `conflict`: it was busy for as long as it may wait
 */
export const handler = forwardStep('evacuate-instance', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const leases = leaseStore(environment);
  const graphs = evacuation(environment);
  const wake = wakeWaiting(environment);
  return async ({ operationId }, last) => {
    const { instanceId, tier, maxWaitMinutes } = (await operations.firstBefore(last)).request as RetireRequest;
    const owner = drainOwnerOf(operationId);
    const instance = await leases.get(instanceId);
    if (instance === undefined) throw new InstanceGone(instanceId);
    const { busyCount, drain } = instance;
    if (drain?.owner !== owner) throw notMine({ instanceId, tier });
    if (busyCount > 0 && !isCycledBy(instance, owner)) {
      const busy = `"${instanceId}" is busy: ${workOn(instance)}.`;
      if (new Date().toISOString() < deadlineOf(drain.since, { maxWaitMinutes })) {
        throw new InstanceBusy('instance_draining', busy);
      }
      throw new Terminal('conflict', busy);
    }
    const { moved, left } = await graphs.run({ instanceId, tier }, GRAPHS_A_RUN);
    // Whoever waits for the instance finds its graph elsewhere.
    await wake(instanceId);
    if (left > 0 && moved === GRAPHS_A_RUN)
      throw new Retryable('unavailable', `${instanceId} has ${left} more graphs.`);
    if (left > 0) {
      throw new Retryable('at_capacity', `The other instances of tier "${tier}" have no room for ${left} graphs.`);
    }
    const message = `${instanceId} holds nothing any more`;
    const empty = { type: 'progress', step: 'evacuateInstance', percent: 60, message, pointOfNoReturn: true } as const;
    await operations.append(operationId, empty, last);
  };
});
