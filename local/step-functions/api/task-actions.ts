import { z } from 'zod';
import { StepFunctionsError } from '../step-functions-error.ts';
import { type Action, action } from './action.ts';

const LONGEST_OUTPUT_BYTES = 256 * 1024;

const parseOutput = (output: string): unknown => {
  if (Buffer.byteLength(output) > LONGEST_OUTPUT_BYTES) {
    throw new StepFunctionsError('InvalidOutput', `Invalid Output: larger than ${LONGEST_OUTPUT_BYTES} bytes`);
  }
  try {
    return JSON.parse(output);
  } catch {
    throw new StepFunctionsError('InvalidOutput', 'Invalid Output: it is not JSON');
  }
};

const sendTaskSuccess = action(
  z.object({ taskToken: z.string(), output: z.string() }),
  ({ runner }, { taskToken, output }) => {
    runner.answer(taskToken, { output: parseOutput(output) });
    return {};
  },
);

const sendTaskFailure = action(
  z.object({ taskToken: z.string(), error: z.string().optional(), cause: z.string().optional() }),
  ({ runner }, { taskToken, error, cause }) => {
    runner.answer(taskToken, { failure: { error, cause } });
    return {};
  },
);

const sendTaskHeartbeat = action(z.object({ taskToken: z.string() }), ({ runner }, { taskToken }) => {
  runner.heartbeat(taskToken);
  return {};
});

/** What the API does for the holder of a task token. */
export const taskActions: Record<string, Action> = {
  SendTaskSuccess: sendTaskSuccess,
  SendTaskFailure: sendTaskFailure,
  SendTaskHeartbeat: sendTaskHeartbeat,
};
