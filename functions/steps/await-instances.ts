import * as z from 'zod';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { inputTokenStore } from '../wiring/operation.ts';
import { refreshReport } from '../wiring/refresh.ts';

/**
 * Waits until an instance of the refresh is over. The workflow leaves its token and then looks; whoever ends the refresh of
 * an instance ends it and then looks for a token: whichever comes second lets the workflow go on.
 */
export const handler = forwardStep(
  'await-instances',
  OperationInput.extend({ taskToken: z.string() }),
  (environment) => {
    const tokens = inputTokenStore(environment);
    const report = refreshReport(environment);
    const tasks = new StepFunctionsWaitingTasks();
    return async ({ operationId, taskToken }) => {
      await tokens.put(operationId, taskToken);
      if (await report.hasNews(operationId)) await tasks.succeed(taskToken);
    };
  },
);
