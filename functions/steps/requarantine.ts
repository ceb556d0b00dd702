import type { RetireRequest } from '../../domain/fleet/retirement.ts';
import { drainOwnerOf } from '../../domain/refresh/instance-refresh.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { instanceRetirementStore } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes the drain of an instance that was in quarantine; the gate of any other is opened by `undrain`. */
export const handler = stepFunction('requarantine', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const retirements = instanceRetirementStore(environment);
  return async ({ operationId }) => {
    const { instanceId, tier } = (await operations.first(operationId)).request as RetireRequest;
    await retirements.requarantine({ instanceId, tier }, drainOwnerOf(operationId), new Date().toISOString());
  };
});
