import * as z from 'zod';
import { Terminal } from '../../domain/failure.ts';
import type { LaunchRequest } from '../../domain/fleet/instance-launch.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { instanceLaunchStore } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Waits until the instance has registered. The workflow leaves its token and then looks at the instance; the instance
 * registers and then looks for a token: whichever comes second lets the workflow go on.
 * @throws {Terminal} `conflict` when the instance is another operation's
 */
export const handler = forwardStep(
  'await-registration',
  OperationInput.extend({ taskToken: z.string() }),
  (environment) => {
    const operations = operationLog(environment);
    const launches = instanceLaunchStore(environment);
    const tasks = new StepFunctionsWaitingTasks();
    return async ({ operationId, taskToken }, last) => {
      const { instanceId } = (await operations.firstBefore(last)).request as LaunchRequest;
      const instance = await launches.awaitRegistration(instanceId, operationId, taskToken);
      if (instance === undefined) throw new Terminal('conflict', `Another operation has launched "${instanceId}".`);
      if (instance.state !== 'LAUNCHING') await tasks.succeed(taskToken);
    };
  },
);
