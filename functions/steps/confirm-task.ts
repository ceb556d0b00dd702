import { Retryable } from '../../domain/failure.ts';
import { heardSince } from '../../domain/fleet/heartbeat.ts';
import { hasNewTask } from '../../domain/lease/occupancy.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRefreshes } from '../refresh/refresh-steps.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Makes sure that the new task has the wanted image and is heard of. From here on the refresh only goes forward: a cycle
 * that was cancelled is one that was turned back, and not one whose new task is at work already.
 * @throws {Retryable} `unavailable`: it is not
 */
export const handler = forwardStep('confirm-task', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const refreshes = instanceRefreshes(environment);
  return async ({ operationId }, last) => {
    const refresh = await refreshes.of(operationId, last);
    const { instanceId, toImage } = refresh.request;
    const instance = await refreshes.cycled(refresh);
    const isReady =
      hasNewTask(instance) && instance.image === toImage && instance.heartbeatAt >= heardSince(new Date());
    if (!isReady) throw new Retryable('unavailable', `The new task of "${instanceId}" is not ready.`);
    const message = `${instanceId} is up with ${toImage}`;
    const confirmed = { type: 'progress', step: 'confirmTask', percent: 90, message, pointOfNoReturn: true } as const;
    await operations.append(operationId, confirmed, last);
  };
});
