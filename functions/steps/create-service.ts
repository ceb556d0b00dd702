import type { LaunchRequest } from '../../domain/fleet/instance-launch.ts';
import { operationLog } from '../dependencies.ts';
import { instanceServices } from '../fleet.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';

/** Creates the service of an instance, which starts its task. */
export const handler = forwardStep('create-service', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const services = instanceServices(environment);
  return async ({ operationId }, last) => {
    const { instanceId, tier } = (await operations.firstBefore(last)).request as LaunchRequest;
    const started = await operations.append(
      operationId,
      { type: 'started', step: 'createService', percent: 10, message: `Launching ${instanceId}` },
      last,
    );
    await services.create(instanceId, tier);
    const created = { type: 'progress', percent: 30, message: `${instanceId} is starting` } as const;
    await operations.append(operationId, { ...created, step: 'createService' }, started);
  };
});
