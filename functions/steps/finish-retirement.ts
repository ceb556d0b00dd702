import { Terminal } from '../../domain/failure.ts';
import type { RetireRequest } from '../../domain/fleet/retirement.ts';
import { drainOwnerOf } from '../../domain/refresh/instance-refresh.ts';
import { wakeWaiting } from '../afterwards/serve-waiting.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRetirementStore } from '../wiring/fleet.ts';
import { refreshLock } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Removes the item of an instance whose service is gone, gives the tier free, and ends the operation.
 * @throws {Terminal} `conflict`: the instance holds something
 */
export const handler = forwardStep('finish-retirement', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const retirements = instanceRetirementStore(environment);
  const wake = wakeWaiting(environment);
  const lock = refreshLock(environment);
  return async ({ operationId }, last) => {
    const { instanceId, tier } = (await operations.firstBefore(last)).request as RetireRequest;
    if (!(await retirements.remove(instanceId, drainOwnerOf(operationId)))) {
      throw new Terminal('conflict', `"${instanceId}" holds something still.`);
    }
    await wake(instanceId);
    await lock.free(tier, operationId);
    const result = { instanceId, tier };
    await operations.append(operationId, { type: 'succeeded', message: `${instanceId} is retired`, result }, last);
  };
});
