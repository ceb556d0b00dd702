import { Retryable } from '../../domain/failure.ts';
import type { LaunchRequest } from '../../domain/fleet/instance-launch.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { instanceLaunchStore, instanceServices } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Undoes a launch: closes the instance to graphs, removes its service, and its item once no task of it is left that
 * could register. An instance that holds graphs already stays: it works.
 */
export const handler = stepFunction('remove-instance', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const launches = instanceLaunchStore(environment);
  const services = instanceServices(environment);
  return async ({ operationId }) => {
    const { instanceId, tier } = (await operations.first(operationId)).request as LaunchRequest;
    if (!(await launches.giveUp({ instanceId, tier, operationId }))) return launches.end(instanceId, operationId);
    await services.remove(instanceId);
    if ((await services.existing([instanceId])).has(instanceId)) {
      throw new Retryable('unavailable', `The task of "${instanceId}" is stopping.`);
    }
    await launches.remove(instanceId, operationId);
  };
});
