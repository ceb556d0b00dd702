import type * as z from 'zod';
import type { FUNCTIONS, FunctionName } from '../../contract/functions.ts';
import { Refusal } from '../../domain/failure.ts';
import type { OperationStatus } from '../../domain/operation/operation.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import { operationLog } from '../dependencies.ts';
import { type OperationInput, stepFunction } from './step-function.ts';

type Environment<Name extends FunctionName> = z.output<(typeof FUNCTIONS)[Name]['environment']> & {
  CONTROL_TABLE_NAME: string;
};
type Input = z.ZodType<z.output<typeof OperationInput>>;

const GOES_FORWARD: readonly OperationStatus[] = ['accepted', 'queued', 'running'];

/**
 * The pipeline of steps that move the work forward: they run only while the operation's log lets it go forward. So an
 * execution that is started for an operation which is being cancelled or undone comes to its undo at its first step.
 * @throws {Refusal} `operation_over`
 */
export const forwardStep = <Name extends FunctionName, StepInput extends Input>(
  name: Name,
  input: StepInput,
  build: (environment: Environment<Name>) => (input: z.output<StepInput>, last: OperationEvent) => Promise<void>,
) =>
  stepFunction(name, input, (given) => {
    const environment = given as Environment<Name>;
    const operations = operationLog(environment);
    const run = build(environment);
    return async (stepInput: z.output<StepInput>) => {
      const last = await operations.last(stepInput.operationId);
      if (!GOES_FORWARD.includes(last.status)) {
        throw new Refusal('operation_over', `The operation is ${last.status}; it does not go forward.`);
      }
      await run(stepInput, last);
    };
  });
