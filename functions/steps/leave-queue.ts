import { slotAskedFor } from '../../domain/fleet/capacity-wait.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { capacityWait } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/** Undoes the wait for a slot. It comes last: until then the queue finds what else the operation holds. */
export const handler = stepFunction('leave-queue', StepInput, (environment) => {
  const operations = operationLog(environment);
  const capacity = capacityWait(environment);
  return async ({ operationId }) => {
    const first = await operations.first(operationId);
    await capacity.leave(slotAskedFor(first).tier, first);
  };
});
