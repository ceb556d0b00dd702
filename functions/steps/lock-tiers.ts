import { Refusal } from '../../domain/failure.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import type { FleetRefreshRequest } from '../../domain/refresh/refresh-plan.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { refreshLock } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Keeps other refreshes from the tiers. When the operation was undone while this run was held up, the run frees them
 * again, because nobody else would.
 * @throws {Refusal} `conflict` when another refresh has one of them; `operation_over`
 */
export const handler = forwardStep('lock-tiers', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const lock = refreshLock(environment);
  return async ({ operationId }, last) => {
    const { tiers } = (await operations.firstBefore(last)).request as FleetRefreshRequest;
    for (const tier of tiers) await lock.take(tier, operationId);
    const { status } = await operations.last(operationId);
    if (!goesForward(status)) {
      for (const tier of tiers) await lock.free(tier, operationId);
      throw new Refusal('operation_over', `The operation is ${status}; it does not go forward.`);
    }
    const message = `Refreshing the instances of ${tiers.join(', ')}`;
    await operations.append(operationId, { type: 'started', step: 'lockTiers', percent: 1, message }, last);
  };
});
