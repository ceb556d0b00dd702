import { Retryable } from '../../domain/failure.ts';
import type { RetireRequest } from '../../domain/fleet/retirement.ts';
import { drainOwnerOf } from '../../domain/refresh/instance-refresh.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { notMine } from '../refresh/refresh-steps.ts';
import { instanceServices, instanceStore } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Claims the empty instance and removes its service, until no task of it is left that could register.
 * @throws {Refusal} `conflict`: the instance is another's
 * @throws {Retryable} `unavailable`: its task is stopping
 */
export const handler = forwardStep('remove-service', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const instances = instanceStore(environment);
  const leases = leaseStore(environment);
  const services = instanceServices(environment);
  return async ({ operationId }, last) => {
    const { instanceId, tier } = (await operations.firstBefore(last)).request as RetireRequest;
    const place = { instanceId, tier };
    // An item that is gone was removed after its service.
    if ((await instances.get(instanceId)) === undefined) return;
    if (!(await leases.claimCycle(place, drainOwnerOf(operationId))).done) throw notMine(place);
    await services.remove(instanceId);
    if ((await services.existing([instanceId])).has(instanceId)) {
      throw new Retryable('unavailable', `The task of "${instanceId}" is stopping.`);
    }
  };
});
