import * as z from 'zod';
import { Terminal } from '../../domain/failure.ts';
import { hasNewTask } from '../../domain/lease/occupancy.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { isOverdue, START_SECONDS } from '../../domain/refresh/instance-refresh.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceRefreshes, notMine } from '../refresh/refresh-steps.ts';
import { instanceServices } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';

const WaitInput = OperationInput.extend({ taskToken: z.string() });

/**
 * Waits until the new task has registered. The workflow leaves its token and then looks at the instance; the task
 * registers and then looks for a token: whichever comes second lets the workflow go on.
 * @throws {Terminal} `unavailable`: ECS has given it up, or it takes too long
 */
export const handler = forwardStep('await-task', WaitInput, (environment) => {
  const leases = leaseStore(environment);
  const refreshes = instanceRefreshes(environment);
  const services = instanceServices(environment);
  const tasks = new StepFunctionsWaitingTasks();
  return async ({ operationId, taskToken }, last) => {
    const refresh = await refreshes.of(operationId, last);
    const { place, owner } = refresh;
    const { instanceId } = place;
    const { done, instance } = await leases.awaitTask(place, owner, taskToken);
    if (!done || instance.drain?.turnedBackAt !== undefined) throw notMine(place);
    if (hasNewTask(instance)) return tasks.succeed(taskToken);
    const service = await services.describe(instanceId);
    if (service === undefined || service.rollout === 'failed') {
      throw new Terminal(
        'unavailable',
        `The new task of "${instanceId}" failed: ${service?.rolloutReason ?? 'its service is gone'}`,
      );
    }
    const { claimed } = await refreshes.story(operationId);
    if (claimed !== undefined && isOverdue(claimed.at, new Date())) {
      throw new Terminal('unavailable', `No new task of "${instanceId}" has registered in ${START_SECONDS} s.`);
    }
  };
});
