import type { OperationKind } from '../../domain/operation/operation.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { logger } from '../telemetry/logger.ts';
import type { HasControlTable } from '../wiring/environment.ts';
import { inputTokenStore, operationLog } from '../wiring/operation.ts';

/** The kinds of operations that another one begins and waits for; their requests name it. */
const CHILDREN: readonly OperationKind[] = ['instance.refresh'];
type ChildRequest = { parentOperationId: string };

/**
 * Wakes the operation that waits for one which is over. Repeating it is harmless; one that is not woken looks by itself
 * after a while, so it does not decide how the caller ends.
 */
export const parentWaker = (environment: HasControlTable) => {
  const operations = operationLog(environment);
  const tokens = inputTokenStore(environment);
  const tasks = new StepFunctionsWaitingTasks();
  return async (operationId: string, kind: OperationKind): Promise<void> => {
    if (!CHILDREN.includes(kind)) return;
    try {
      const { parentOperationId } = (await operations.first(operationId)).request as ChildRequest;
      const taskToken = await tokens.get(parentOperationId);
      if (taskToken !== undefined) await tasks.succeed(taskToken);
    } catch (error) {
      logger.warn('The operation that waits for this one was not woken', { operationId, error: error as Error });
    }
  };
};
