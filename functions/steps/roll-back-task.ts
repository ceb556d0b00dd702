import * as z from 'zod';
import { Terminal } from '../../domain/failure.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { taskTurnedBackTo } from '../../domain/refresh/instance-refresh.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { type InstanceRefresh, instanceRefreshes } from '../refresh/refresh-steps.ts';
import { instanceServices } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';

const WaitInput = OperationInput.extend({ taskToken: z.string() });

/**
 * Turns back a cycle that was claimed, has ECS start a task as the one before, and waits until that has registered, or
 * will not. It is of another generation again, so whatever is still under way for the cycle changes nothing from here on.
 * One that was not claimed is undrained, and can not be claimed any more.
 * @throws {Terminal} `not_found`: there is no service
 */
export const handler = stepFunction('roll-back-task', WaitInput, (environment) => {
  const leases = leaseStore(environment);
  const refreshes = instanceRefreshes(environment);
  const services = instanceServices(environment);
  const tasks = new StepFunctionsWaitingTasks();

  const rollBack = async ({ operationId, place }: InstanceRefresh, generation: number): Promise<void> => {
    const { instanceId, tier } = place;
    const service = await services.describe(instanceId);
    const { drained } = await refreshes.story(operationId);
    if (service === undefined || drained === undefined) {
      throw new Terminal('not_found', `There is no service of "${instanceId}" to roll back.`);
    }
    // One that never got to the generation of the cycle has nothing to go back from, and is started anew.
    const wasReplaced = service.generation >= generation - 1;
    if (wasReplaced) await services.rollBack(instanceId, { generation });
    else await services.replace(instanceId, { tier, image: drained.fromImage, generation });
  };

  return async ({ operationId, taskToken }) => {
    const refresh = await refreshes.of(operationId);
    const { place, owner } = refresh;
    if ((await leases.get(place.instanceId)) === undefined) return tasks.succeed(taskToken);
    const at = new Date().toISOString();
    if ((await leases.undrain(place, owner, at)).done) return tasks.succeed(taskToken);
    const turned = await leases.turnBack(place, owner, at);
    if (!turned.done) return tasks.succeed(taskToken);
    await rollBack(refresh, turned.instance.generation);
    const { done, instance } = await leases.awaitTask(place, owner, taskToken);
    const service = await services.describe(place.instanceId);
    const isStarting = done && taskTurnedBackTo(instance, service, new Date()) === 'starting';
    if (!isStarting) await tasks.succeed(taskToken);
  };
});
