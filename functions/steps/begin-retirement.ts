import { PastNoReturn } from '../../domain/failure.ts';
import type { RetireRequest } from '../../domain/fleet/retirement.ts';
import { refusalToRetire } from '../../domain/fleet/retirement.ts';
import { OperationDrains } from '../../domain/lease/operation-drains.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import { drainOwnerOf, workOn } from '../../domain/refresh/instance-refresh.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRetirementStore, instanceStore, tierStore } from '../wiring/fleet.ts';
import { leaseStore, refreshLock } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Keeps others from changing the tier, and closes the gate of the instance. One in quarantine, whose gate is closed, is
 * drained as well. When the operation was undone while this run was held up, the run frees the tier again.
 * @throws {Refusal} `conflict` when the tier is refreshed, or would have too few; `operation_over`
 * @throws {Retryable} `instance_draining`: somebody else drains it
 * @throws {PastNoReturn} an earlier retirement has removed it
 */
export const handler = forwardStep('begin-retirement', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const instances = instanceStore(environment);
  const tiers = tierStore(environment);
  const leases = leaseStore(environment);
  const drains = new OperationDrains(leases, operations, 'instance.retire');
  const retirements = instanceRetirementStore(environment);
  const lock = refreshLock(environment);

  const freeIfLate = async ({ tier }: RetireRequest, operationId: string): Promise<void> => {
    const { status } = await operations.last(operationId);
    if (!goesForward(status)) await lock.free(tier, operationId);
  };

  return async ({ operationId }, last) => {
    const request = (await operations.firstBefore(last)).request as RetireRequest;
    const { instanceId, tier, reason } = request;
    await lock.take(tier, operationId);
    await freeIfLate(request, operationId);
    const message = `Closing the gate of ${instanceId}`;
    const started = await operations.append(
      operationId,
      { type: 'started', step: 'beginRetirement', percent: 5, message },
      last,
    );
    const ofTier = await instances.listAll(tier);
    if ((await instances.get(instanceId)) === undefined) {
      const gone = { type: 'progress', step: 'beginRetirement', message: `${instanceId} is gone` } as const;
      await operations.append(operationId, { ...gone, pointOfNoReturn: true }, started);
      throw new PastNoReturn('conflict', gone.message);
    }
    const refusal = refusalToRetire(await tiers.get(tier), ofTier, instanceId);
    if (refusal !== undefined) throw refusal;

    const drain = { owner: drainOwnerOf(operationId), reason, since: new Date().toISOString() };
    if (!(await retirements.drainQuarantined({ instanceId, tier }, drain)))
      await drains.begin({ instanceId, tier }, drain);
    const instance = await leases.get(instanceId);
    const work = instance === undefined ? 'nothing' : workOn(instance);
    const closed = `The gate of ${instanceId} is closed; at work: ${work}`;
    await operations.append(operationId, {
      type: 'step_completed',
      step: 'beginRetirement',
      percent: 10,
      message: closed,
    });
  };
});
