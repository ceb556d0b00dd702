import type { LaunchRequest } from '../../domain/fleet/instance-launch.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { capacityWait, instanceLaunchStore } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/** Gives the slots of an instance that has just registered to those that wait, and ends the operation with success. */
export const handler = forwardStep('finish-launch', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const launches = instanceLaunchStore(environment);
  const capacity = capacityWait(environment);
  return async ({ operationId }, last) => {
    const { instanceId, tier } = (await operations.firstBefore(last)).request as LaunchRequest;
    await capacity.serve(tier);
    await launches.end(instanceId, operationId);
    const result = { instanceId, tier };
    await operations.append(operationId, { type: 'succeeded', message: `${instanceId} is active`, result }, last);
  };
});
