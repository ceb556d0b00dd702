import { operationErrorFrom } from '../../domain/operation/failure-report.ts';
import { FailureInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Turns the operation to compensating. The log decides: an operation that is over, past its point of no return, or in
 * the hands of a later execution refuses it, and is not undone by this one.
 * @throws {Refusal} `operation_over`, `conflict`
 */
export const handler = stepFunction('begin-undo', FailureInput, (environment) => {
  const operations = operationLog(environment);
  return async ({ operationId, execution, failure }) => {
    const error = operationErrorFrom(failure);
    await operations.append(operationId, { type: 'compensating', message: 'Undoing', error, ofAttempt: execution });
  };
});
