import * as z from 'zod';
import { isDrained } from '../../domain/lease/occupancy.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { waitDetail, workOn } from '../../domain/refresh/instance-refresh.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRefreshes } from '../refresh/refresh-steps.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

const WaitInput = OperationInput.extend({ taskToken: z.string() });

/**
 * Waits for the last lease. The workflow leaves its token and then looks at the leases; whoever ends one ends it and then
 * looks for a token: whichever comes second lets the workflow go on.
 */
export const handler = forwardStep('await-idle', WaitInput, (environment) => {
  const operations = operationLog(environment);
  const leases = leaseStore(environment);
  const refreshes = instanceRefreshes(environment);
  const tasks = new StepFunctionsWaitingTasks();
  return async ({ operationId, taskToken }, last) => {
    const { request, place, owner } = await refreshes.of(operationId, last);
    const { done, instance } = await leases.awaitIdle(place, owner, taskToken);
    if (!done || isDrained(instance)) return tasks.succeed(taskToken);
    const detail = waitDetail(instance, request, last);
    if (detail === undefined) return;
    const message = `Waiting for ${place.instanceId}, at work: ${workOn(instance)}`;
    await operations.append(operationId, { type: 'progress', message, detail }, last);
  };
});
