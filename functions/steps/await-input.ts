import * as z from 'zod';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { operatorInput } from '../wiring/operation.ts';

/** Waits until somebody answers what the operation asks; then the step that asked runs again. */
export const handler = forwardStep('await-input', StepInput.extend({ taskToken: z.string() }), (environment) => {
  const inputs = operatorInput(environment);
  return ({ operationId, taskToken }) => inputs.wait(operationId, taskToken);
});
