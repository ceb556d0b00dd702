import type * as z from 'zod';
import type { FUNCTIONS, FunctionName } from '../../contract/functions.ts';
import { PastNoReturn, Refusal } from '../../domain/failure.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import { about } from '../telemetry/logger.ts';
import type { HasControlTable } from '../wiring/environment.ts';
import { operationLog } from '../wiring/operation.ts';
import { type OperationInput, stepFunction } from './step-function.ts';

type Environment<Name extends FunctionName> = z.output<(typeof FUNCTIONS)[Name]['environment']> & HasControlTable;
type Input = z.ZodType<z.output<typeof OperationInput>>;

/** @throws {Refusal} `operation_over` */
export const refuseUnlessForward = ({ status }: Pick<OperationEvent, 'status'>): void => {
  if (!goesForward(status)) throw new Refusal('operation_over', `The operation is ${status}; it does not go forward.`);
};

/**
 * The pipeline of steps that move the work forward: they run only while the operation's log lets it go forward. So an
 * execution that is started for an operation which is being cancelled or undone comes to its undo at its first step,
 * and one for an operation that is past its point of no return comes to the first step behind it.
 * @throws {Refusal} `operation_over`
 * @throws {PastNoReturn}
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
      about(last);
      refuseUnlessForward(last);
      if (stepInput.beforeNoReturn && !last.cancellable) {
        throw new PastNoReturn('conflict', 'The operation is past its point of no return.');
      }
      await run(stepInput, last);
    };
  });
